import { DELIVERIES_PER_WORKFLOW } from '../domain/event.js';
import type { WorkflowStart } from '../domain/workflow-start.js';
import { lowestId } from '../lib/ids.js';
import type { Db } from './pool.js';
import { DEAD } from './processes.js';

/** A claimed start that was not made is due again after this: its process died. */
const AGAIN = `interval '1 minute'`;
/** A refused start is tried again after the age of its event: rarely, and within an hour of the cause's end. */
const REFUSED = { first: `interval '1 minute'`, max: `interval '1 hour'` };

/**
 * SQL: whether the workflow of delivery `d` has been started. The workflow of an event with many deliveries starts those of
 * its parts; while the event is still fanned out, it is not started.
 */
export const workflowStarted = (d: string): string => `not exists (select from workflow_starts s
    where s.workflow_id = any(array[${d}.workflow_id, regexp_replace(${d}.workflow_id, '~p[0-9]+$', '')]))
  and ${d}.event_id <> all(array(select id from events where fan_out_after is not null))`;

/** Has the backfill start the workflows of these events, as far as they were accepted and reach an endpoint. */
export async function addStarts(db: Db, eventIds: string[]): Promise<void> {
  await db.query(
    `insert into workflow_starts (workflow_id, event_id)
     select workflow_id, id from events where id = any($1) and delivery_count > 0 and fan_out_after is null
     on conflict do nothing`,
    [eventIds],
  );
}

/**
 * The same for all events from around the death of a process, which may not have started theirs: an id is up to 5 s older
 * than the commit of its event. Starting a workflow again changes nothing.
 */
export async function addStartsOfDead(db: Db, processId: string): Promise<void> {
  const { rows } = await db.query<{ from: Date; to: Date }>(
    `select started_to - interval '5 seconds' as from, alive_at + ${DEAD} as to from processes where id = $1`,
    [processId],
  );
  if (!rows[0]) return;
  await db.query(
    `insert into workflow_starts (workflow_id, event_id)
     select workflow_id, id from events where id >= $1 and id < $2 and delivery_count > 0 and fan_out_after is null
     on conflict do nothing`,
    [lowestId('evt', rows[0].from), lowestId('evt', rows[0].to)],
  );
}

/** The same for an open delivery whose workflow Temporal does not know, because it lost its data. */
export async function addStartOf(db: Db, deliveryId: string): Promise<void> {
  await db.query(
    `insert into workflow_starts (workflow_id, event_id, delivery_id)
     select workflow_id, event_id, case when source_delivery_id is not null or batch_id is not null then id end
     from open_deliveries where id = $1
     on conflict do nothing`,
    [deliveryId],
  );
}

/**
 * Claims the next starts, oldest first: no other process makes them within the next minute. Starts of one part of an event
 * are those of an open delivery; the parent that has many parts is not needed then. The deliveries of a wide event are in
 * parts, even if its filters left few: then no delivery has the workflow of the event itself.
 */
export async function claimStarts(db: Db, limit: number): Promise<WorkflowStart[]> {
  const { rows } = await db.query<WorkflowStart>({
    name: 'claim-starts',
    text: `
      with claimed as (
        update workflow_starts set start_at = now() + ${AGAIN}
        where workflow_id in (select workflow_id from workflow_starts where start_at <= now()
          order by start_at limit $1 for update skip locked)
        returning *
      )
      select c.workflow_id, e.id as event_id, e.type as event_type, e.tenant, d.batch_id,
        coalesce(d.deliveries, '[]') as deliveries, case when is_whole and d.deliveries is null
          then ceil(e.delivery_count::float8 / ${DELIVERIES_PER_WORKFLOW})::int else 0 end as parts
      from claimed c join events e on e.id = c.event_id
        cross join lateral (select c.delivery_id is null and c.workflow_id = e.workflow_id as is_whole) of_event
        cross join lateral (select is_whole and e.delivery_count > ${DELIVERIES_PER_WORKFLOW} as has_parts) parts
        left join lateral (select max(batch_id) as batch_id,
            json_agg(json_build_object('id', id, 'endpoint_id', endpoint_id) order by endpoint_id) as deliveries
          from all_deliveries d where not has_parts and d.event_id = c.event_id and d.workflow_id = c.workflow_id
            and case when c.delivery_id is null then source_delivery_id is null and batch_id is null
              else id = c.delivery_id end) d on true`,
    values: [limit],
  });
  return rows;
}

export async function removeStarts(db: Db, workflowIds: string[]): Promise<void> {
  await db.query('delete from workflow_starts where workflow_id = any($1)', [workflowIds]);
}

/** Gives claimed starts back that were not made. */
export async function releaseStarts(db: Db, workflowIds: string[]): Promise<void> {
  await db.query('update workflow_starts set start_at = now() where workflow_id = any($1)', [workflowIds]);
}

/** Puts claimed starts off that Temporal refused: others go first. */
export async function postponeStarts(db: Db, workflowIds: string[]): Promise<void> {
  await db.query(
    `update workflow_starts s
     set start_at = now() + least(greatest(now() - e.created_at, ${REFUSED.first}), ${REFUSED.max})
     from events e where e.id = s.event_id and s.workflow_id = any($1)`,
    [workflowIds],
  );
}

/** Deliveries of one part of a wide event, by the id of the part's workflow. */
export async function deliveriesOfPart(
  db: Db,
  eventId: string,
  workflowId: string,
): Promise<WorkflowStart['deliveries']> {
  const { rows } = await db.query<{ id: string; endpoint_id: string }>(
    `select id, endpoint_id from all_deliveries
     where event_id = $1 and workflow_id = $2 and source_delivery_id is null and batch_id is null order by endpoint_id`,
    [eventId, workflowId],
  );
  return rows;
}
