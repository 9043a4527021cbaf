import { z } from 'zod';
import { BATCH_STATUSES, ITEM_STATUSES, SKIP_REASONS } from '../../domain/batch.js';
import { classification, count, deliveryStatus, instant } from './common.js';

const period = { from: z.string().optional(), to: z.string().optional() };
const include_delivered = z.boolean();

const selection = z
  .union([
    z.object({ include_delivered, delivery_id_count: count, tenant: z.string().nullable() }),
    z.object({
      include_delivered,
      filter: z.object({
        status: z.array(deliveryStatus),
        tenant: z.string().optional(),
        endpoint_id: z.string().optional(),
        event_type: z.string().optional(),
        classification: classification.optional(),
        batch_id: z.string().optional(),
        ...period,
      }),
    }),
    z.object({
      include_delivered,
      missing: z.object({ endpoint_id: z.string(), event_type: z.string().optional(), ...period }),
    }),
    z.object({ include_delivered, batch_id: z.string() }),
  ])
  .meta({ description: 'The choice: ids, a filter, missing events, or the rest of another batch.' });

const plan = z
  .object({
    total: count,
    eligible: count,
    skipped_by_reason: z.record(z.string(), count),
    skipped: z
      .array(z.object({ delivery_id: z.string().nullable(), reason: z.enum(SKIP_REASONS) }))
      .meta({ description: 'The first 100.' }),
    by_endpoint: z.array(z.object({ endpoint_id: z.string(), count })),
    by_event_type: z.array(z.object({ event_type: z.string(), count })),
  })
  .meta({ id: 'BatchPlan' });

export const batch = z
  .object({
    id: z.string(),
    tenant: z
      .string()
      .nullable()
      .meta({ description: 'The tenant whose deliveries it selects; null: those of any.' }),
    status: z.enum(BATCH_STATUSES),
    status_reason: z.string().nullable(),
    dry_run: z.boolean(),
    source_batch_id: z
      .string()
      .nullable()
      .meta({ description: 'The batch whose plan, or rest, this one executes.' }),
    selection,
    rate_per_second: z.number().meta({ description: 'New deliveries per second; 0: no limit.' }),
    note: z.string().nullable(),
    created_by: z.string(),
    created_at: instant,
    started_at: instant.nullable(),
    completed_at: instant.nullable(),
    plan: plan.nullable().meta({ description: 'Null until it is made.' }),
    planned_count: count,
    remaining_count: count,
    skipped_at_turn_count: count,
    created_count: count,
    delivered_count: count,
    failed_count: count,
    cancelled_count: count,
    open_count: count,
    workflow_id: z.string(),
    workflow_url: z.string().nullable(),
  })
  .meta({ id: 'Batch' });

export const batchItem = z
  .object({
    number: z.int().min(1),
    source_delivery_id: z.string().nullable(),
    event_id: z.string().nullable(),
    endpoint_id: z.string().nullable(),
    status: z.enum(ITEM_STATUSES),
    reason: z.enum(SKIP_REASONS).nullable().meta({ description: 'Why it was skipped.' }),
    delivery_id: z.string().nullable().meta({ description: 'The new delivery.' }),
    delivery_status: deliveryStatus.nullable(),
  })
  .meta({ id: 'BatchItem' });
