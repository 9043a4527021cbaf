import { makeTenants } from '../make-tenants.js';
import type { Db } from '../pool.js';
import { attemptsOf, rowOf } from './columns.js';

/** A new delivery of an event to an endpoint that had it before, or missed it. */
export interface NewRedelivery {
  id: string;
  event_id: string;
  endpoint_id: string;
  tenant: string;
  event_type: string;
  workflow_id: string;
  source_delivery_id: string | null;
  batch_id: string | null;
}

/**
 * Makes re-deliveries, ready for any poller, and has their workflows started by the backfill unless there are none.
 * Runs in the caller's transaction, which locks the events: nobody else re-delivers them meanwhile.
 */
export async function insertRedelivery(
  db: Db,
  redeliveries: NewRedelivery[],
  { maxAttempts, workflow }: { maxAttempts: number; workflow: boolean },
): Promise<void> {
  await db.query({
    name: 'insert-redeliveries',
    text: `
      with input as (
        select * from json_to_recordset($1) as i (id text, event_id text, endpoint_id text, tenant text collate "C",
          event_type text, workflow_id text, source_delivery_id text, batch_id text)
      ), tenant as (
        -- An endpoint that POST /v1/send made outlives its tenant.
        ${makeTenants('input')}
      ), made as (
        insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id,
          source_delivery_id, batch_id, created_at, run_at, run_by)
        select i.id, event_id, endpoint_id, i.tenant, event_type, ${attemptsOf('$2')}, workflow_id, source_delivery_id,
          batch_id, now(), now(), 'queue'
        from input i cross join ${rowOf('endpoints', 'i.endpoint_id')} ep
        returning id, event_id, workflow_id
      )
      insert into workflow_starts (workflow_id, event_id, delivery_id) select workflow_id, event_id, id from made
      where $3 on conflict do nothing`,
    values: [JSON.stringify(redeliveries), maxAttempts, workflow],
  });
}
