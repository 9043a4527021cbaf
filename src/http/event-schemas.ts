import { z } from 'zod';
import { isId } from '../lib/ids.js';
import { feedCursor } from './feed-cursor.js';
import { headers } from './header-schemas.js';
import { contentType, eventType, id, idempotencyKey, ownTenant, page, tenant, url } from './schemas.js';
import { line } from './text-schemas.js';

/** Any value, but present: the payload is taken as text from the body as it was sent. */
const payload = z
  .unknown()
  .refine((value) => value !== undefined, 'Is required: any JSON value.')
  .meta({
    description:
      'Any JSON value, at most 256 KiB; its text is sent as it was posted. With a `content_type` that is not JSON: a string.',
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

export const searchQuery = z.strictObject({
  ...page,
  text: line(200, 3).meta({
    param: { example: 'order-1001' },
    description: 'Part of the payload as it was posted; upper and lower case are alike.',
  }),
  tenant: tenant.optional(),
  type: eventType.optional(),
});

/** With `after`: the feed. */
export const eventsQuery = z
  .strictObject({
    ...page,
    tenant: tenant.optional(),
    type: eventType.optional(),
    idempotency_key: idempotencyKey.optional(),
    outcomes: z
      .literal('true')
      .optional()
      .meta({ description: 'Each event of the list also has its `outcome`.' }),
    after: z
      .string()
      .transform((text, context) =>
        text === 'now' ? ('now' as const) : feedCursor(text, context, (id) => isId('evt', id)),
      )
      .optional()
      .meta({
        description: 'Reads the feed: empty for its beginning, `now` for its end, else its `next_cursor`.',
      }),
  })
  .superRefine((query, context) => {
    if (query.after === undefined) return;
    for (const field of ['cursor', 'from', 'to', 'idempotency_key', 'outcomes'] as const) {
      if (query[field] !== undefined)
        context.addIssue({ code: 'custom', path: [field], message: 'Does not go with after.' });
    }
  });
