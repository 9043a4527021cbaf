import { DELIVERIES_PER_WORKFLOW } from '../../domain/event.js';

/** Columns that a delivery keeps when it moves from `open_deliveries` to the history. */
export const KEPT = `id, event_id, endpoint_id, tenant, event_type, max_attempts, source_delivery_id, batch_id, workflow_id,
  created_at`;

/**
 * Whether a row that is found by its id is ready or claimed: says the same as `claimed_by`, but no partial index is for
 * it. A plan made while the table was small would read a whole partial index instead of the primary key, and keep doing so.
 */
export const IS_READY = 'claim_until is null';
export const IS_CLAIMED = 'claim_until is not null';

/**
 * The row of an id, for a lateral join. A plain join may read whole tables, by a plan that was made while they were empty:
 * vacuum says that of open deliveries whenever all have ended.
 */
export const rowOf = (table: 'open_deliveries' | 'events' | 'endpoints', id: string) =>
  `lateral (select * from ${table} where id = ${id} limit 1)`;

/** SQL: the end of the workflow's id. An event with few deliveries has one workflow; else each part of them has one. */
export const workflowOf = (nth: string, isWide: string) =>
  `case when ${isWide} then '~p' || 1 + (${nth} - 1) / ${DELIVERIES_PER_WORKFLOW} else '' end`;

/** SQL: the attempts of a new delivery to endpoint `ep`: one more than its own schedule has retries. */
export const attemptsOf = (byDefault: string) => `coalesce(cardinality(ep.retry_schedule) + 1, ${byDefault})`;
