import { z } from 'zod';
import { DELIVERY_STATUSES, CLASSIFICATIONS } from '../domain/delivery.js';
import { EVENT_TYPE, EVENT_TYPE_PATTERN, IDEMPOTENCY_KEY, MAX_NAME, TENANT } from '../domain/event.js';
import { decodeCursor, type PageQuery } from '../db/page.js';
import { isId, type IdPrefix } from '../ids.js';
import { headerProblem } from '../webhook/request-headers.js';
import { isSecret } from '../webhook/sign.js';

export const id = (prefix: IdPrefix) =>
  z.string().refine((value) => isId(prefix, value), `Must be an id like ${prefix}_….`);

/** Its length is checked before anything else: the rest of a long text is not even looked at. */
const text = (max: number) => z.string().max(max, { error: `At most ${max} characters.`, abort: true });

export const tenant = text(MAX_NAME).regex(
  TENANT,
  'Must be 1-128 printable ASCII characters without blanks; neither . nor .. alone.',
);
export const eventType = text(MAX_NAME).regex(
  EVENT_TYPE,
  'Must be printable ASCII without blanks and *, in segments parted by . or / or :, such as order.created.',
);
const subscription = text(MAX_NAME).regex(
  EVENT_TYPE_PATTERN,
  'Must be an event type, one whose last segment is *, such as order.* or orders/*, or * alone; no * elsewhere.',
);
export const idempotencyKey = z.string().regex(IDEMPOTENCY_KEY, 'Must be 1-255 printable characters.');
/** Present, whatever it is: its text is taken from the body as it was sent. */
const payload = z.unknown().refine((value) => value !== undefined, 'Is required: any JSON value.');

/** As it can be stored and shown: Postgres takes no NUL, and a URL parser drops or hides what it should refuse. */
const line = (text: z.ZodString) =>
  text.refine((value) => !/\p{Cc}/u.test(value) && value.isWellFormed(), 'Must be one line of text.');

const url = line(z.string().max(2048, 'At most 2048 characters.')).superRefine((value, context) => {
  const fault = urlProblem(value);
  if (fault) context.addIssue({ code: 'custom', message: fault });
});

function urlProblem(value: string): string | null {
  if (!URL.canParse(value)) return 'Must be an absolute URL.';
  const { protocol, username, password, hash } = new URL(value);
  if (protocol !== 'https:' && protocol !== 'http:') return 'Must begin with https:// or http://.';
  if (username || password) return 'Must not carry credentials; use headers.';
  if (hash) return 'Must not have a fragment.';
  return null;
}

const headers = z
  .record(z.string(), z.string().max(4096, 'At most 4096 characters.'))
  .superRefine((value, context) => {
    if (Object.keys(value).length > 32) context.addIssue({ code: 'custom', message: 'At most 32 headers.' });
    for (const [name, text] of Object.entries(value)) {
      const fault = headerProblem(name, text);
      if (fault) context.addIssue({ code: 'custom', path: [name], message: fault });
    }
  });

export const eventBody = z.strictObject({
  type: eventType,
  payload,
  idempotency_key: idempotencyKey.optional(),
  tenant: tenant.default('default'),
  endpoint_ids: z.array(id('ep')).min(1).max(1000).optional(),
});

/** Each is looked at on its own. */
export const eventsBody = z.strictObject({
  events: z.array(z.unknown()).min(1, 'At least one event.').max(1_000, 'At most 1000 events.'),
});

export const sendBody = z.strictObject({
  url,
  payload,
  type: eventType.default('message'),
  headers: headers.default({}),
  idempotency_key: idempotencyKey.optional(),
  tenant: tenant.default('default'),
});

const endpointSettings = z.strictObject({
  url,
  event_types: z.array(subscription).min(1).max(100),
  description: line(z.string().max(1024, 'At most 1024 characters.')).nullable(),
  headers,
  timeout_ms: z.int().min(1_000, 'At least 1000 (1 s).').max(30_000, 'At most 30000 (30 s).'),
  retry_on: z.enum(['default', 'all']),
  enabled: z.boolean(),
});

export const endpointBody = endpointSettings.extend({
  description: endpointSettings.shape.description.default(null),
  headers: headers.default({}),
  timeout_ms: endpointSettings.shape.timeout_ms.default(15_000),
  retry_on: endpointSettings.shape.retry_on.default('default'),
  enabled: z.boolean().default(true),
  tenant: tenant.default('default'),
  secret: z.string().refine(isSecret, 'Must be whsec_ and the base64 of 24 to 64 bytes.').optional(),
});
export const endpointPatch = endpointSettings.partial();

export const reason = line(z.string().min(1).max(500, 'At most 500 characters.'));
const scope = z
  .discriminatedUnion('scope', [
    z.strictObject({ scope: z.literal('all'), reason: reason.optional() }),
    z.strictObject({ scope: z.literal('tenant'), tenant, reason: reason.optional() }),
  ])
  .transform((body) => ({
    scope: body.scope === 'all' ? ('all' as const) : (`tenant:${body.tenant}` as const),
    reason: body.reason ?? null,
  }));
export const pauseBody = scope.refine((body) => body.reason !== null, {
  path: ['reason'],
  error: 'Is required: it is what everybody reads who wonders why nothing is sent.',
});
export const resumeBody = scope;
/** Of an action on one thing: nothing, or why. */
export const reasonBody = z.strictObject({ reason: reason.optional() });

export const time = z.iso
  .datetime({ offset: true, error: 'Must be an ISO 8601 time.' })
  .transform((text) => new Date(text));
export const page = {
  limit: z.coerce.number().int().min(1).max(250).default(50),
  cursor: z.string().optional(),
  from: time.optional(),
  to: time.optional(),
};

export const eventsQuery = z.strictObject({
  ...page,
  tenant: tenant.optional(),
  type: eventType.optional(),
  idempotency_key: idempotencyKey.optional(),
});
export const endpointsQuery = z.strictObject({
  ...page,
  tenant: tenant.optional(),
  status: z.enum(['enabled', 'paused', 'disabled']).optional(),
  event_type: subscription.optional(),
});
export const deliveriesQuery = z.strictObject({
  ...page,
  status: z.enum(DELIVERY_STATUSES).optional(),
  tenant: tenant.optional(),
  endpoint_id: id('ep').optional(),
  event_id: id('evt').optional(),
  event_type: eventType.optional(),
  classification: z.enum(CLASSIFICATIONS).optional(),
  batch_id: id('bat').optional(),
});

const word = text(128).regex(/^[a-zA-Z0-9_.:-]+$/, 'Must be letters, digits, _, -, . or :.');
export const auditQuery = z.strictObject({
  ...page,
  actor: word.optional(),
  action: word.optional(),
  /** An id or a scope, in which a tenant stands. */
  object: text('tenant:'.length + MAX_NAME)
    .regex(/^[!-~]+$/, 'Must be printable ASCII without blanks.')
    .optional(),
});

/** Splits a parsed list query into its page and its filter. */
export function pageQuery<
  T extends { limit: number; cursor?: string | undefined; from?: Date | undefined; to?: Date | undefined },
>(query: T, prefix: IdPrefix): { page: PageQuery; filter: Omit<T, 'limit' | 'cursor' | 'from' | 'to'> } {
  const { limit, cursor, from, to, ...filter } = query;
  const after = cursor === undefined ? null : decodeCursor(cursor, prefix);
  if (cursor !== undefined && after === null) {
    throw new z.ZodError([
      { code: 'custom', path: ['cursor'], message: 'Is not a cursor of this list.', input: cursor },
    ]);
  }
  return { page: { limit, cursor: after, from, to }, filter };
}
