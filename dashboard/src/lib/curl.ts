const REDACTED = '[redacted]';

/** One argument of a POSIX shell, whatever characters it has. */
export const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

export interface Request {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** A command that sends a request again. Headers whose value is not known are left out: see `leftOut`. */
export function curlOf({ url, headers, body }: Request): string {
  const known = Object.entries(headers).filter(([, value]) => !isRedacted(value));
  return [
    // No globs: brackets in a URL stand for themselves.
    `curl --globoff --request POST ${quoted(url)}`,
    // A header without a value ends with a semicolon: with a colon, curl would remove it.
    ...known.map(([name, value]) => `--header ${quoted(value === '' ? `${name};` : `${name}: ${value}`)}`),
    // Unlike --data, it takes no leading @ for the name of a file.
    `--data-raw ${quoted(body)}`,
  ].join(' \\\n  ');
}

/** Names of the headers whose values are not shown. */
export const leftOut = (headers: Record<string, string>): string[] =>
  Object.keys(headers).filter((name) => isRedacted(headers[name]!));

const isRedacted = (value: string) => value.includes(REDACTED);
