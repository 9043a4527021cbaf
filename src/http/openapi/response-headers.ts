/** Headers of answers, by name: components of the document. */
export const responseHeaders = {
  'x-request-id': {
    description: 'Names the request in the log.',
    schema: { type: 'string' },
  },
  'idempotent-replayed': {
    description: '`true`: the answer to an earlier request with the same key.',
    schema: { type: 'string', pattern: '^true$' },
  },
  'retry-after': {
    description: 'Seconds to wait before the next request.',
    schema: { type: 'string', pattern: '^[0-9]+$' },
  },
  ratelimit: {
    description:
      'For API keys and tenants with a limit: how many are left (`r`), and the seconds until there are more (`t`).',
    schema: { type: 'string' },
  },
  'ratelimit-policy': {
    description: 'For API keys and tenants with a limit: how many (`q`) in a window of seconds (`w`).',
    schema: { type: 'string' },
  },
  'www-authenticate': {
    description: 'How to authenticate.',
    schema: { type: 'string' },
  },
} as const;

export type ResponseHeader = keyof typeof responseHeaders;

/** Headers of every answer to a request with an API key. */
export const KEYED_HEADERS = [
  'x-request-id',
  'ratelimit',
  'ratelimit-policy',
] as const satisfies ResponseHeader[];

export const headerRefs = (names: readonly ResponseHeader[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
