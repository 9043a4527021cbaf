import { z } from 'zod';
import { DELIVERY_STATUSES, CLASSIFICATIONS } from '../domain/delivery.js';
import { readFilter, type Filter } from '../domain/filter.js';
import { EVENT_TYPE, EVENT_TYPE_PATTERN, MAX_KEY, MAX_NAME, TENANT, UNPRINTABLE } from '../domain/event.js';
import { MASK } from '../domain/endpoint.js';
import { decodePlace, FEED_START } from '../db/event-feed.js';
import { decodeCursor, type PageQuery } from '../db/pagination.js';
import { idPattern, type IdPrefix } from '../lib/ids.js';
import { contentTypeProblem, MAX_CONTENT_TYPE } from '../webhook/content.js';
import { headerProblem } from '../webhook/request-headers.js';
import { checkSecret, secretFields } from './secret-schemas.js';
import { line, text } from './text-schemas.js';
import { urlProblem } from './url-problem.js';
import { HEADER_MASK_PROBLEM, wireDefaults, wireSettings } from './wire-settings.js';

export const id = (prefix: IdPrefix) =>
  z.string().regex(idPattern(prefix), `Must be an id like ${prefix}_….`);

export const tenant = text(MAX_NAME).regex(
  TENANT,
  'Must be 1-128 printable ASCII characters without blanks; neither . nor .. alone.',
);
/** See `tenantFor`. */
export const ownTenant = tenant
  .optional()
  .meta({ description: 'Default: the tenant that the API key is bound to, else `default`.' });
export const eventType = text(MAX_NAME).regex(
  EVENT_TYPE,
  'Must be printable ASCII without blanks and *, in segments parted by . or / or :, such as order.created.',
);
const subscription = text(MAX_NAME).regex(
  EVENT_TYPE_PATTERN,
  'Must be an event type, one whose last segment is *, such as order.* or orders/*, or * alone; no * elsewhere.',
);
export const idempotencyKey = z
  .string()
  .superRefine((value, context) => {
    const fault = keyProblem(value);
    if (fault) context.addIssue({ code: 'custom', message: fault });
  })
  .meta({
    override: { minLength: 1, maxLength: MAX_KEY },
    description: 'Printable characters. The same key and request within 72 hours is accepted once.',
  });

function keyProblem(key: string): string | null {
  // A character is one or two UTF-16 units: only between the two bounds must characters be counted.
  const tooLong = key.length > 2 * MAX_KEY || (key.length > MAX_KEY && [...key].length > MAX_KEY);
  if (key.length === 0 || tooLong) return `Must be 1-${MAX_KEY} printable characters.`;
  const [bad] = UNPRINTABLE.exec(key) ?? [];
  if (bad === undefined) return null;
  const code = bad.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0');
  return `Must be 1-${MAX_KEY} printable characters: U+${code} is not.`;
}
/** Any value, but present: the payload is taken as text from the body as it was sent. */
const payload = z
  .unknown()
  .refine((value) => value !== undefined, 'Is required: any JSON value.')
  .meta({
    description:
      'Any JSON value, at most 256 KiB; its text is sent as it was posted. With a `content_type` that is not JSON: a string.',
  });

const url = line(2048)
  .superRefine((value, context) => {
    const fault = urlProblem(value);
    if (fault) context.addIssue({ code: 'custom', message: fault });
  })
  .meta({ format: 'uri', description: 'http or https, without credentials and fragment.' });

const MAX_HEADERS = 32;

/** Runs before `z.record`, which drops `__proto__`. Names that differ only in case are the same header. */
const headerNames = z.unknown().superRefine((value, context) => {
  if (typeof value !== 'object' || value === null) return;
  const names = Object.keys(value);
  if (names.length > MAX_HEADERS)
    return context.addIssue({ code: 'custom', message: `At most ${MAX_HEADERS} headers.` });
  const seen = new Map<string, string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    const other = seen.get(lower);
    seen.set(lower, name);
    const message =
      lower === '__proto__' ? 'A header of this name cannot be kept.' : `Is the same header as ${other}.`;
    if (other !== undefined || lower === '__proto__')
      context.addIssue({ code: 'custom', path: [name], message });
  }
});

const headers = headerNames
  .pipe(
    z.record(text(256), text(4096)).superRefine((value, context) => {
      for (const [name, content] of Object.entries(value)) {
        const fault = headerProblem(name, content);
        if (fault) context.addIssue({ code: 'custom', path: [name], message: fault });
      }
    }),
  )
  .meta({
    override: {
      ...{ type: 'object', maxProperties: MAX_HEADERS },
      additionalProperties: { type: 'string', maxLength: 4096 },
    },
    description: 'Sent with each request. Headers that Surehook sends itself are refused.',
  });

/** Their values are never shown: what is sent back may be the mask. */
const ownHeaders = headers.superRefine((value, context) => {
  for (const [name, content] of Object.entries(value))
    if (content === MASK) context.addIssue({ code: 'custom', path: [name], message: HEADER_MASK_PROBLEM });
});

const contentType = text(MAX_CONTENT_TYPE).superRefine((value, context) => {
  const fault = contentTypeProblem(value);
  if (fault) context.addIssue({ code: 'custom', message: fault });
});

export const eventBody = z
  .strictObject({
    type: eventType,
    payload,
    headers: headers.optional(),
    content_type: contentType.optional(),
    idempotency_key: idempotencyKey.optional(),
    tenant: ownTenant,
    endpoint_ids: z
      .array(id('ep'))
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: 'Deliver to exactly these endpoints, whatever they subscribe to.' }),
  })
  .meta({ id: 'NewEvent' });

export const MAX_BATCH_EVENTS = 1_000;
/** Each event is validated on its own. */
export const eventsBody = z.strictObject({
  events: z
    .array(z.unknown().meta({ override: { $ref: '#/components/schemas/NewEvent' } }))
    .min(1, 'At least one event.')
    .max(MAX_BATCH_EVENTS, `At most ${MAX_BATCH_EVENTS} events.`),
});

export const sendBody = z.strictObject({
  url,
  payload,
  type: eventType.default('message'),
  headers: headers.default({}),
  content_type: contentType.optional(),
  idempotency_key: idempotencyKey.optional(),
  tenant: ownTenant,
});

/** Unknown to zod, whose records drop `__proto__`. */
const filter = z
  .unknown()
  .superRefine((value, context) => {
    for (const { path, message } of readFilter(value).faults)
      context.addIssue({ code: 'custom', path, message });
  })
  .meta({
    type: 'object',
    description: 'Condition on the payload: {"amount":{"$gt":10},"customer.plan":"pro"}.',
  }) as unknown as z.ZodType<Filter>;

const endpointSettings = z.strictObject({
  url,
  event_types: z.array(subscription).min(1).max(100),
  description: line(1024).nullable(),
  headers: ownHeaders,
  content_type: contentType.nullable(),
  timeout_ms: z.int().min(1_000, 'At least 1000 (1 s).').max(30_000, 'At most 30000 (30 s).'),
  retry_on: z.enum(['default', 'all']),
  filter: filter.nullable(),
  enabled: z.boolean(),
  ...wireSettings,
});

export const endpointBody = endpointSettings
  .extend({
    description: endpointSettings.shape.description.default(null),
    headers: ownHeaders.default({}),
    content_type: contentType.nullable().default(null),
    timeout_ms: endpointSettings.shape.timeout_ms.default(15_000),
    retry_on: endpointSettings.shape.retry_on.default('default'),
    filter: filter.nullable().default(null),
    enabled: z.boolean().default(true),
    tenant: ownTenant,
    id: id('ep').optional(),
    ...wireDefaults,
    ...secretFields,
  })
  .superRefine(checkSecret);

const BY_ROTATION = 'Is changed by POST /v1/endpoints/:id/rotate-secret.';
export const endpointPatch = endpointSettings.partial().extend({
  secret: z.undefined(BY_ROTATION).optional(),
  signature: z.undefined(BY_ROTATION).optional(),
});

/** A sample that is sent to one endpoint; by default of a type that it subscribes to. */
export const testBody = z.strictObject({
  event_type: eventType.optional(),
  payload: z.unknown().optional(),
  preview: z.boolean().default(false),
});

export const reason = line(500, 1);
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
/** Body of an action on one object: an optional reason. */
export const reasonBody = z.strictObject({ reason: reason.optional() });

export const time = z.iso
  .datetime({ offset: true, error: ({ input }) => timeProblem(input) })
  .transform((text) => new Date(text));

/** A `+` in a query has been decoded to a blank before it gets here. */
const timeProblem = (given: unknown) =>
  typeof given === 'string' && /:\d\d(\.\d+)? \d\d:\d\d$/.test(given)
    ? 'Has a blank before its zone: in a URL, write + as %2B, or give the time in UTC, such as 2026-01-31T12:00:00Z.'
    : 'Must be an ISO 8601 time with its zone, such as 2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00 (in a URL, + is written %2B).';
export const page = {
  limit: z.coerce.number().int().min(1).max(250).default(50),
  cursor: text(256).optional(),
  from: time.optional(),
  to: time.optional(),
};

/** With `after`: the feed. */
export const eventsQuery = z
  .strictObject({
    ...page,
    tenant: tenant.optional(),
    type: eventType.optional(),
    idempotency_key: idempotencyKey.optional(),
    after: z
      .string()
      .transform((text, context) => {
        const place = text === '' ? FEED_START : text === 'now' ? ('now' as const) : decodePlace(text);
        if (place === null) context.addIssue({ code: 'custom', message: 'Is not a cursor of the feed.' });
        return place ?? z.NEVER;
      })
      .optional()
      .meta({
        description: 'Reads the feed: empty for its beginning, `now` for its end, else its `next_cursor`.',
      }),
  })
  .superRefine((query, context) => {
    if (query.after === undefined) return;
    for (const field of ['cursor', 'from', 'to', 'idempotency_key'] as const) {
      if (query[field] !== undefined)
        context.addIssue({ code: 'custom', path: [field], message: 'Does not go with after.' });
    }
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

export const word = text(128).regex(/^[a-zA-Z0-9_.:-]+$/, 'Must be letters, digits, _, -, . or :.');
export const auditQuery = z.strictObject({
  ...page,
  tenant: tenant.optional(),
  actor: word.optional(),
  action: word.optional(),
  /** An id, or a scope, which may contain a tenant. */
  object: text('tenant:'.length + MAX_NAME)
    .regex(/^[!-~]+$/, 'Must be printable ASCII without blanks.')
    .optional(),
});

/** Splits a parsed list query into its page and its filter. Throws a ZodError for a bad cursor. */
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
