import { z } from 'zod';
import type { Row } from '../client/index.js';
import { short } from './foreign.js';
import { classification, count, status } from './fields.js';

/** A delivery as tools answer it. */
export const deliveryShape = {
  id: z.string(),
  event_id: z.string(),
  endpoint_id: z.string(),
  tenant: z.string(),
  event_type: z.string(),
  status,
  status_reason: z.string().nullable(),
  attempt_count: count,
  max_attempts: count,
  next_attempt_at: z.string().nullable(),
  last_classification: classification.nullable(),
  source_delivery_id: z.string().nullable().describe('The delivery that this one repeats.'),
  batch_id: z.string().nullable().describe('The replay that made it.'),
  workflow_url: z.string().nullable().describe('In the Temporal Web UI.'),
  created_at: z.string(),
  completed_at: z.string().nullable(),
};

type Delivery = Row<'listDeliveries'>;

export function shownDelivery(delivery: Delivery): z.output<z.ZodObject<typeof deliveryShape>> {
  const { id, event_id, endpoint_id, tenant, event_type, status, status_reason } = delivery;
  const { attempt_count, max_attempts, next_attempt_at, last_classification } = delivery;
  const { source_delivery_id, batch_id, workflow_url, created_at, completed_at } = delivery;
  return {
    ...{ id, event_id, endpoint_id, tenant, event_type, status, attempt_count, max_attempts },
    status_reason: status_reason && short(status_reason),
    ...{ next_attempt_at, last_classification, source_delivery_id, batch_id, workflow_url },
    ...{ created_at, completed_at },
  };
}

/** One line, for a list. */
export function deliveryLine(delivery: Delivery): string {
  const { id, event_type, endpoint_id, tenant, status, status_reason, created_at } = delivery;
  const { attempt_count, max_attempts, next_attempt_at } = delivery;
  const why = status_reason ? ` (${short(status_reason)})` : '';
  const next = next_attempt_at ? `, next ${next_attempt_at}` : '';
  return `${id} ${status}${why}: ${event_type} to ${endpoint_id} of ${tenant}, ${created_at}, ${attempt_count} of ${max_attempts} attempts${next}`;
}
