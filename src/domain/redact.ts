const REDACTED = '[redacted]';

/** Names of headers that carry a credential. `www-authenticate` carries none, and explains a 401. */
const CONFIDENTIAL_NAME =
  /auth(?!enticate$)|bearer|cookie|credential|hmac|jwt|passw|pwd|secret|session|signature|token|(?<!idempotency[-_])key$/i;

/** Values that are credentials under any header name, also inside a longer value. */
const CONFIDENTIAL_VALUES = [
  // JSON in base64: JWTs, and the sealed cookies of web frameworks.
  String.raw`eyJ[\w+/-]{8,}[\w.+/=-]*`,
  String.raw`(?:[Bb]asic|[Bb]earer|Token)\s+[\w.~+/-]{6,}=*(?![\w"=])`,
  // Prefixes used by Stripe, OpenAI, GitHub, GitLab, Slack, Shopify, npm, Google, AWS, Standard Webhooks and Surehook.
  String.raw`(?:sk|rk|sh[kcs]|whsec|gh[opsur]|github_pat|shp(?:at|ss|ca|pa)|npm|hf)_[\w+/=-]{8,}`,
  String.raw`(?:sk|glpat|xox[a-z]|xapp|pypi)-[\w-]{8,}`,
  String.raw`AIza[\w-]{20,}`,
  String.raw`ya29\.[\w-]{8,}`,
  String.raw`(?:AKIA|ASIA)[A-Z0-9]{12,}`,
];
const CONFIDENTIAL_VALUE = new RegExp(String.raw`(?<![\w-])(?:${CONFIDENTIAL_VALUES.join('|')})`, 'g');
/** In a URL: `user:password@`, and parameters with a confidential name. */
const USER_INFO = /(?<=:\/\/)[^/\s@]+(?=@)/g;
const PARAMETER = /(?<=[?&;][\w.-]*(?:auth|key|passw(?:or)?d|secret|sig|signature|token)=)[^&;#\s]+/gi;
/** A path segment of at least 20 characters with a digit: an id or a key. */
const RANDOM_SEGMENT = /(?<=[^/]\/)(?=[^/]*\d)[\w.~%+=-]{20,}(?=\/|$)/g;

/** Shorter credentials are not searched for: their text is too common to prove an echo. */
const MIN_ECHO = 6;

/**
 * Request or response headers, safe to store and show: redacts credentials recognised by header name or by value, all of
 * `names`, and `echoes`, the credentials that were sent.
 */
export function redactHeaders(
  headers: Record<string, string>,
  { names = [], echoes = [] }: { names?: string[]; echoes?: string[] } = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      CONFIDENTIAL_NAME.test(name) || names.includes(name) ? REDACTED : redactAnswer(value, echoes),
    ]),
  );
}

/**
 * The credentials among the headers of a request, in all forms, and `known`, which `credentialForms` made. Longest first:
 * a credential may contain another one, whose redaction would leave the rest visible.
 */
export function credentialsIn(headers: Record<string, string>, known: string[] = []): string[] {
  const found = Object.entries(headers).flatMap(([name, value]) =>
    CONFIDENTIAL_NAME.test(name) ? [value] : [],
  );
  return [...new Set([...credentialForms(found), ...known])].sort((a, b) => b.length - a.length);
}

/** The credentials that are long enough to be searched for, each as it is and as answers escape it. */
export const credentialForms = (credentials: string[]): string[] =>
  credentials.filter(({ length }) => length >= MIN_ECHO).flatMap(formsOf);

/** The parameters of a URL that are credentials by their names, as they are and decoded. */
export const credentialsInUrl = (url: string): string[] =>
  (url.match(PARAMETER) ?? []).flatMap((value) => [value, decoded(value)]);

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

const UNESCAPED = /^[\w.~-]*$/;

/**
 * A credential as it is, in JSON, in URLs and forms, and in HTML. Serializers may also escape slashes and all characters
 * beyond ASCII; languages escape the two quotation marks for HTML in different ways.
 */
function formsOf(credential: string): string[] {
  if (UNESCAPED.test(credential)) return [credential];
  const json = JSON.stringify(credential).slice(1, -1);
  const ascii = json.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const inUrl = encodeURIComponent(credential.toWellFormed());
  // Forms, and RFC 3986, also escape signs that JavaScript leaves.
  const strict = inUrl.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const inUrls = [inUrl, strict].flatMap((form) => [form, form.replaceAll('%20', '+')]);
  const inJson = [credential, json, ascii].flatMap((form) => [form, form.replaceAll('/', '\\/')]);
  return [...new Set([...inJson, ...inUrls, ...[credential, json].flatMap(htmlForms)])];
}

function htmlForms(text: string): string[] {
  if (!/[&<>"']/.test(text)) return [];
  const marked = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return [marked, ...['&#39;', '&#x27;', '&#039;'].map((single) => marked.replaceAll("'", single))].flatMap(
    (form) => [form, form.replaceAll('"', '&quot;'), form.replaceAll('"', '&#34;')],
  );
}

export function redactEchoes(text: string, credentials: string[]): string {
  return credentials.reduce((rest, credential) => rest.replaceAll(credential, REDACTED), text);
}

/** The same for a text that was cut: it may end with the first part of a credential. */
export function redactCutEchoes(text: string, credentials: string[]): string {
  const rest = redactEchoes(text, credentials);
  const cut = Math.max(...credentials.map((credential) => partAtEnd(rest, credential)), 0);
  return cut < MIN_ECHO ? rest : rest.slice(0, -cut) + REDACTED;
}

/** How many characters of the credential's start end the text. */
function partAtEnd(text: string, credential: string): number {
  let at = text.indexOf(credential.slice(0, MIN_ECHO), Math.max(0, text.length - credential.length));
  while (at >= 0 && !credential.startsWith(text.slice(at))) at = text.indexOf(credential[0]!, at + 1);
  return at < 0 ? 0 : text.length - at;
}

/** Other text of an answer that is stored, such as `Retry-After`. */
export const redactAnswer = (text: string, credentials: string[]): string =>
  redactText(redactEchoes(text, credentials));

/** Scheme, host and path. Path segments that may be a key are redacted: chat services put keys there. */
export function redactUrl(url: string): string {
  const [bare = ''] = url.split(/[?#]/, 1);
  return redactText(bare).replace(RANDOM_SEGMENT, REDACTED);
}

function redactText(text: string): string {
  return text.replace(CONFIDENTIAL_VALUE, REDACTED).replace(USER_INFO, REDACTED).replace(PARAMETER, REDACTED);
}
