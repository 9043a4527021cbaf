/** Headers an endpoint may not set: Surehook sends them, or they frame or route the HTTP message. */
export const RESERVED: ReadonlySet<string> = new Set([
  'content-type',
  'content-length',
  'accept',
  'user-agent',
  'host',
  'connection',
  'transfer-encoding',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
]);
const RESERVED_PREFIX = /^(webhook|proxy)-/;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/i;
export const UNSENDABLE = /[^\t\x20-\x7e\xa0-\xff]/;

/** Why an endpoint's own header is refused, or null if it may be sent. */
export function headerProblem(name: string, value: string): string | null {
  if (!TOKEN.test(name)) return 'The name of a header consists of letters, digits and hyphens.';
  const lower = name.toLowerCase();
  if (RESERVED.has(lower) || RESERVED_PREFIX.test(lower)) {
    return `The header ${lower} is set by Surehook and cannot be overridden.`;
  }
  if (UNSENDABLE.test(value)) {
    return `The value of the header ${lower} holds characters that HTTP cannot carry (control characters, or beyond Latin-1).`;
  }
  return null;
}

export interface RequestHeadersInput {
  /** Headers configured on the endpoint. */
  own: Record<string, string>;
  ofEvent: Record<string, string>;
  contentType: string;
  eventId: string;
  timestamp: number;
  signature: string;
  attempt: number;
  eventType: string;
  version: string;
}

/** All headers of one request. The endpoint's headers override the event's, and Surehook's override both. */
export function requestHeaders(input: RequestHeadersInput): Record<string, string> {
  return {
    ...lowerCased(input.ofEvent),
    ...lowerCased(input.own),
    'webhook-id': input.eventId,
    'webhook-timestamp': String(input.timestamp),
    'webhook-signature': input.signature,
    'webhook-attempt': String(input.attempt),
    'webhook-event-type': input.eventType,
    'content-type': input.contentType,
    // Common web firewall rules flag a request without these headers, or with a robot's name and no address.
    accept: '*/*',
    'user-agent': `surehook/${input.version} (+https://github.com/surehook/surehook)`,
  };
}

const lowerCased = (headers: Record<string, string>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
