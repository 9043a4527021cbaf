import { z } from 'zod';
import type { OperationalType } from '../../domain/operational-event.js';
import { BATCH_STATUSES } from '../../domain/batch.js';
import { classification, count } from '../answers/common.js';

const id = z.string();
const iso = z.iso.datetime();
const endpoint = { endpoint_id: id, tenant: z.string() };

const DATA: Record<OperationalType, { when: string; data: z.ZodObject }> = {
  'endpoint.failing': {
    when: 'No attempt has succeeded for a day, and again when the last day begins',
    data: z.object({
      ...endpoint,
      failing_since: iso,
      is_last_warning: z.boolean(),
      disabled_from: iso.meta({ description: 'The earliest time at which the endpoint may be disabled.' }),
    }),
  },
  'endpoint.disabled': {
    when: 'An endpoint is disabled: by a 410 or a receiver that asks for it, for failing, or by an operator',
    data: z.object({
      ...endpoint,
      reason: z.enum(['gone', 'failing', 'manual']),
      failing_since: iso.nullable(),
      disabled_at: iso,
    }),
  },
  'endpoint.recovered': {
    when: 'An attempt succeeds after an `endpoint.failing`',
    data: z.object({
      ...endpoint,
      failing_since: iso.nullable().meta({ description: 'Null if the endpoint was enabled meanwhile.' }),
      recovered_at: iso,
    }),
  },
  'delivery.failed': {
    when: 'A delivery ends as FAILED, except by the deletion of its endpoint',
    data: z.object({
      delivery_id: id,
      event_id: id,
      event_type: z.string(),
      ...endpoint,
      reason: z.string().nullable(),
      attempt_count: count,
      last_classification: classification.nullable(),
      source_delivery_id: id.nullable(),
      batch_id: id.nullable(),
      created_at: iso,
      failed_at: iso,
    }),
  },
  'batch.ended': {
    when: 'A replay batch has ended, and nothing of it is left; not a dry run',
    data: z.object({
      batch_id: id,
      tenant: z.string().nullable().meta({ description: 'Null if it selects from any.' }),
      status: z.enum(BATCH_STATUSES),
      status_reason: z.string().nullable(),
      created_by: z.string(),
      created_count: count,
      delivered_count: count,
      failed_count: count,
      cancelled_count: count,
      created_at: iso,
      completed_at: iso,
    }),
  },
  'control.paused': {
    when: 'An operator pauses everything, or a tenant',
    data: z.object({
      scope: z.enum(['all', 'tenant']),
      tenant: z.string().nullable(),
      reason: z.string(),
      paused_by: z.string(),
      paused_at: iso,
    }),
  },
};

/** The bodies of the events about Surehook itself, by their type. */
export const operationalEvents = Object.entries(DATA).map(([type, { when, data }]) => ({
  type,
  when,
  body: z.object({ type: z.literal(type), timestamp: iso, data }),
}));
