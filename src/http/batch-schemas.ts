import { z } from 'zod';
import type { Selection } from '../db/batch-state.js';
import { BATCH_STATUSES, isRate, ITEM_STATUSES, SKIP_REASONS } from '../domain/batch.js';
import { CLASSIFICATIONS, DELIVERY_STATUSES } from '../domain/delivery.js';
import { deliveryStatus } from './answers/common.js';
import { eventType, id, page, reason, tenant, time } from './schemas.js';

export const DEFAULT_RATE = 50;
const rate = z
  .number()
  .refine(isRate, 'Must be 0 (no limit) or 0.01 to 10000.')
  .meta({
    override: { minimum: 0, maximum: 10_000 },
    description: 'Per second; 0: no limit, else at least 0.01.',
  });
const instant = time.transform((date) => date.toISOString());

const filter = z
  .strictObject({
    status: z
      .union(
        [deliveryStatus, z.array(deliveryStatus).min(1).max(DELIVERY_STATUSES.length)],
        'Must be delivery states.',
      )
      .transform((status) => (Array.isArray(status) ? status : [status]))
      .optional(),
    tenant: tenant.optional(),
    endpoint_id: id('ep').optional(),
    event_type: eventType.optional(),
    classification: z.enum(CLASSIFICATIONS).optional(),
    batch_id: id('bat').optional(),
    from: instant.optional(),
    to: instant.optional(),
    missing: z.boolean().default(false),
  })
  .superRefine((value, context) => {
    if (!value.missing) return;
    const say = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (!value.endpoint_id)
      say('endpoint_id', 'Is required with missing: the endpoint that never got the events.');
    for (const field of ['status', 'tenant', 'classification', 'batch_id'] as const) {
      if (value[field] !== undefined) say(field, 'Does not go with missing: there is no delivery yet.');
    }
  });

/** A selection by ids or by filter; DELIVERED deliveries only with `include_delivered`. */
export const batchBody = z
  .strictObject({
    delivery_ids: z.array(id('del')).min(1).max(10_000, 'At most 10000.').optional(),
    filter: filter.optional(),
    tenant: tenant.optional(),
    include_delivered: z.boolean().default(false),
    dry_run: z.boolean().default(false),
    rate_per_second: rate.default(DEFAULT_RATE),
    note: reason.optional(),
  })
  .superRefine((body, context) => {
    const say = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if ((body.delivery_ids === undefined) === (body.filter === undefined)) {
      say(['delivery_ids'], 'Give delivery_ids or filter, one of them.');
    }
    if (body.tenant !== undefined && body.filter) say(['tenant'], 'Belongs into the filter.');
    if (body.filter?.status?.includes('DELIVERED') && !body.include_delivered) {
      say(['include_delivered'], 'Must be true to replay what was DELIVERED.');
    }
  })
  .transform(({ delivery_ids, filter, tenant, ...body }) => ({
    ratePerSecond: body.rate_per_second,
    dryRun: body.dry_run,
    note: body.note ?? null,
    deliveryIds: delivery_ids ?? null,
    selection: select(body.include_delivered, delivery_ids, tenant, filter),
  }));

function select(
  include_delivered: boolean,
  delivery_ids: string[] | undefined,
  tenant: string | undefined,
  chosen: z.infer<typeof filter> | undefined,
): Selection {
  if (delivery_ids) {
    return { include_delivered, delivery_id_count: delivery_ids.length, tenant: tenant ?? null };
  }
  const { missing, status, ...rest } = JSON.parse(JSON.stringify(chosen)) as z.infer<typeof filter>;
  if (missing) return { include_delivered, missing: rest as never };
  const ended = include_delivered ? (['FAILED', 'CANCELLED', 'DELIVERED'] as const) : (['FAILED'] as const);
  return { include_delivered, filter: { ...rest, status: status ?? [...ended] } as never };
}

export const startBody = z.strictObject({ rate_per_second: rate.optional(), note: reason.optional() });
export const cancelBody = z.strictObject({ running: z.boolean().default(false), reason: reason.optional() });
export const ratePatch = z.strictObject({ rate_per_second: rate, reason: reason.optional() });

export const batchesQuery = z.strictObject({
  ...page,
  status: z.enum(BATCH_STATUSES).optional(),
  tenant: tenant.optional(),
});
export const itemsQuery = z.strictObject({
  limit: page.limit,
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'Is not a cursor of this list.')
    .transform(Number)
    .optional(),
  status: z.enum(ITEM_STATUSES).optional(),
  reason: z.enum(SKIP_REASONS).optional(),
});
