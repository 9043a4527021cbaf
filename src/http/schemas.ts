import { z } from 'zod';
import { DELIVERY_STATUSES, CLASSIFICATIONS } from '../domain/delivery.js';
import { EVENT_TYPE, EVENT_TYPE_PATTERN, MAX_KEY, MAX_NAME, TENANT, UNPRINTABLE } from '../domain/event.js';
import { urlProblem } from '../domain/url-problem.js';
import { decodeCursor, type PageQuery } from '../db/pagination.js';
import { idPattern, type IdPrefix } from '../lib/ids.js';
import { contentTypeProblem, MAX_CONTENT_TYPE } from '../webhook/content.js';
import { line, text } from './text-schemas.js';

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
export const subscription = text(MAX_NAME).regex(
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
export const url = line(2048)
  .superRefine((value, context) => {
    const fault = urlProblem(value);
    if (fault) context.addIssue({ code: 'custom', message: fault });
  })
  .meta({ format: 'uri', description: 'http or https, without credentials and fragment.' });

export const contentType = text(MAX_CONTENT_TYPE).superRefine((value, context) => {
  const fault = contentTypeProblem(value);
  if (fault) context.addIssue({ code: 'custom', message: fault });
});

export const reason = line(500, 1);
/** Body of an action on one object: an optional reason. */
export const reasonBody = z.strictObject({ reason: reason.optional() });
export const retryBody = reasonBody.extend({
  only_open: z
    .boolean()
    .optional()
    .describe('Only attempt it if it is open: one that has ended is refused, and not delivered again.'),
});

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
