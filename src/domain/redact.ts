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
  String.raw`(?:sk|rk|shk|whsec|gh[opsur]|github_pat|shp(?:at|ss|ca|pa)|npm|hf)_[\w+/=-]{8,}`,
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
 * The credentials among the headers of a request, and of `others`, that are long enough to be searched for, in all forms.
 * Longest first: a credential may contain another one, whose redaction would leave the rest visible.
 */
export function credentialsIn(headers: Record<string, string>, others: string[] = []): string[] {
  const found = Object.entries(headers).flatMap(([name, value]) =>
    CONFIDENTIAL_NAME.test(name) ? [value] : [],
  );
  const long = [...found, ...others].filter((value) => value.length >= MIN_ECHO);
  return [...new Set(long.flatMap(formsOf))].sort((a, b) => b.length - a.length);
}

const NEEDS_ESCAPE = /["\\/]|[^\x20-\x7e]/;

/** A credential as it is, and in JSON: serializers may also escape slashes and all characters beyond ASCII. */
function formsOf(credential: string): string[] {
  if (!NEEDS_ESCAPE.test(credential)) return [credential];
  const json = JSON.stringify(credential).slice(1, -1);
  const ascii = json.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return [credential, json, ascii].flatMap((form) => [form, form.replaceAll('/', '\\/')]);
}

export function redactEchoes(text: string, credentials: string[]): string {
  return credentials.reduce((rest, credential) => rest.replaceAll(credential, REDACTED), text);
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
