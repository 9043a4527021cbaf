/** Header names in lower case; a repeated header is a list. The object has no prototype: any name is a plain key. */
export type Headers = Record<string, string | string[]>;

export interface Head {
  status: number;
  headers: Headers;
  /** The head follows RFC 9112 exactly: only then may another answer follow on the same connection. */
  strict: boolean;
}

/** The answer cannot be read; the message says why, without quoting from the answer. */
export class BadAnswerError extends Error {}

const STATUS_LINE = /^HTTP\/(\d(?:\.\d)?)[ \t]+([1-9]\d\d)(?:[ \t].*)?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
// eslint-disable-next-line no-control-regex -- a name with control characters is invalid
const CONTROL = /[\0-\x1f\x7f]/;

/** `text`: complete lines, Latin-1. Accepts bare LF, spaces before the colon and folded lines, as curl and Go do. */
export function parseHead(text: string): Head {
  const [first = '', ...lines] = text.split('\n');
  const head: Head = { status: 0, headers: Object.create(null) as Headers, strict: true };
  const [, version, status] = STATUS_LINE.exec(plain(first, head)) ?? [];
  if (!status) throw new BadAnswerError('its first line is no status line');
  head.status = Number(status);
  if (version !== '1.1') head.strict = false;
  let last = '';
  for (const raw of lines) {
    if (raw === '' || raw === '\r') continue;
    const line = plain(raw, head);
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (last === '') throw new BadAnswerError('its first header begins with a blank');
      head.strict = false;
      fold(head.headers, last, line.trim());
      continue;
    }
    const colon = line.indexOf(':');
    if (colon < 0) throw new BadAnswerError('a header line has no colon');
    last = nameOf(line.slice(0, colon), head);
    add(head.headers, last, line.slice(colon + 1).trim());
  }
  return head;
}

/** All values of a header, each split at its commas. */
export function listed(headers: Headers, name: string): string[] {
  const value = headers[name];
  if (value === undefined) return [];
  return (Array.isArray(value) ? value.join(',') : value).split(',').map((part) => part.trim());
}

/** The line without its line end. A carriage return elsewhere is read as a space (RFC 9112 section 2.2). */
function plain(raw: string, head: Head): string {
  const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  if (line.length === raw.length) head.strict = false;
  if (!line.includes('\r')) return line;
  head.strict = false;
  return line.replaceAll('\r', ' ');
}

function nameOf(raw: string, head: Head): string {
  const name = raw.trimEnd().toLowerCase();
  if (name.length !== raw.length || !TOKEN.test(name)) head.strict = false;
  if (name === '' || CONTROL.test(name)) throw new BadAnswerError('a header has no valid name');
  return name;
}

function add(headers: Headers, name: string, value: string): void {
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else headers[name] = [before, value];
}

function fold(headers: Headers, name: string, more: string): void {
  const before = headers[name] ?? '';
  if (Array.isArray(before)) before.push(folded(before.pop() ?? '', more));
  else headers[name] = folded(before, more);
}

/** Uses `+`, which does not copy at once: joining 43,000 folded lines one by one took 240 ms. */
function folded(before: string, more: string): string {
  if (before === '' || more === '') return before + more;
  return before + ' ' + more;
}
