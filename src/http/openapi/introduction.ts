import { PROBLEM_CODES } from '../problem-codes.js';
import type { Tag } from '../route.js';

const codes = Object.entries(PROBLEM_CODES)
  .map(([code, { status, meaning }]) => `| ${status} | \`${code}\` | ${meaning} |`)
  .join('\n');

const description = `Surehook accepts events over HTTP and delivers them as signed webhooks.

## Authentication
\`Authorization: Bearer <API key>\`. Requests to \`/healthz\`, \`/readyz\`, \`/metrics\`, \`/openapi.json\` and \`/docs\` need no key.
\`x-roles\` of an operation lists the roles that may call it. A key that is bound to a tenant sees that tenant only: lists hold its rows,
an id of another tenant is a 404, another tenant named in a body or a query is a 403 (\`foreign_tenant\`), and what is above tenants is a
403 (\`forbidden\`).

The token of a portal session is sent as an API key is. It sees its tenant only, and may call the operations whose \`x-portal-scope\` is one
of its scopes or \`any\`; others are a 403 (\`forbidden\`).

The dashboard signs in with \`POST /session\`, and its requests have a cookie instead of an API key. With the cookie, requests other than
GET also need \`x-surehook-page: 1\`, and must come from a page of the same origin; others are a 403 (\`forbidden\`).

A key may have a limit of requests per second. Its answers then have \`ratelimit\` and \`ratelimit-policy\` (IETF draft); beyond it, the answer
is 429. Too many unknown keys from one address are a 429, too.

## Errors
Errors are \`application/problem+json\` (RFC 9457). \`errors\` names each field, parameter or header at fault (at most 20), and nothing has
been changed. Every answer has \`x-request-id\`; a fault of Surehook is logged under it.

| status | code | meaning |
| --- | --- | --- |
${codes}

A request that is not valid HTTP, is too slow or has headers of more than 16 KiB is a \`bad_request\` with the status 400, 408 or 431,
before any route.

## Lists
Newest first, in pages of \`limit\` (50, at most 250). \`next_cursor\` of a page is the \`cursor\` of the next one, and null on the last. Rows
that are added meanwhile come before the first page. \`from\` (inclusive) and \`to\` (exclusive) select by the time of creation.

## Idempotency
A request that creates something may have the header \`Idempotency-Key\`. The same request with the same key within 72 hours changes nothing
more: its answer is about what the first one made, with the status 200 and \`idempotent-replayed: true\`. The same key with another request
is an \`idempotency_conflict\`.

## Times
ISO 8601, in UTC in answers. In a URL, write \`+\` as \`%2B\`.`;

const tags: Record<Tag, string> = {
  Events: 'Facts that a sender publishes.',
  Endpoints: 'URLs that events are delivered to.',
  'Event types': 'The catalogue of events, with schemas.',
  Deliveries: 'One event to one endpoint, with its attempts.',
  Statistics: 'Counts over time.',
  Issues: 'Failures of endpoints, with their cause and how to mend it.',
  'Replay batches': 'Many deliveries made again, by a plan.',
  Control: 'The kill switch.',
  Tenants: 'Customers of the sender, with their quotas.',
  'API keys': 'Keys for the API, each with a role.',
  'Portal sessions': 'Access to one tenant for a while, by a link that works once.',
  Sessions: 'Sessions of the dashboard, by a cookie.',
  Installation: 'The settings, and the processes that run.',
  Audit: 'The changes, and who made them.',
  Health: 'For probes and Prometheus. Without an API key.',
  Reference: 'This document. Without an API key.',
};

export const describeApi = (version: string) => ({
  info: {
    title: 'Surehook',
    version,
    description,
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  tags: Object.entries(tags).map(([name, about]) => ({ name, description: about })),
});
