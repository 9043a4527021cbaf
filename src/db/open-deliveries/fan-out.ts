import { patternsMatching } from '../../domain/event.js';
import type { Db } from '../pool.js';
import type { AcceptChoice } from './accept.js';
import { attemptsOf, rowOf, workflowOf } from './columns.js';

/**
 * Makes the next page of a wide event's deliveries, ready for any poller; after the last one its workflow may be started.
 * False: all have been made, or another process makes them.
 */
export async function fanOut(
  db: Db,
  {
    eventId,
    maxAttempts,
    limit,
    workflow,
  }: { eventId: string; maxAttempts: number; limit: number } & Pick<AcceptChoice, 'workflow'>,
): Promise<boolean> {
  const { rows: types } = await db.query<{ type: string }>('select type from events where id = $1', [
    eventId,
  ]);
  const { rows } = await db.query<{ more: boolean }>({
    name: 'fan-out',
    text: `
      with event as (
        -- Another process may be at it: that one goes on.
        select * from events where id = $1 and fan_out_after is not null for update skip locked
      ), matched as materialized (
        select endpoint_id, row_number() over (order by endpoint_id)::int as nth from (
          select s.endpoint_id from event cross join lateral unnest($2::text[]) p cross join lateral (
            select endpoint_id from subscriptions
            where tenant = event.tenant and pattern = p and endpoint_id > event.fan_out_after
            order by endpoint_id limit $3) s
          group by s.endpoint_id order by s.endpoint_id limit $3) found
      ), delivery as (
        insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
          run_at, run_by)
        select new_id('del', event.created_at), event.id, m.endpoint_id, event.tenant, event.type, ${attemptsOf('$4')},
          event.workflow_id || ${workflowOf('event.delivery_count + m.nth', 'true')}, event.created_at,
          event.created_at, 'queue'
        from event cross join matched m cross join ${rowOf('endpoints', 'm.endpoint_id')} ep
      ), moved as (
        update events e set delivery_count = e.delivery_count + (select count(*) from matched),
          fan_out_after = case when (select count(*) from matched) = $3 then (select max(endpoint_id) from matched) end
        from event where e.id = event.id returning e.id, e.workflow_id, e.fan_out_after
      ), started as (
        insert into workflow_starts (workflow_id, event_id)
        select workflow_id, id from moved where fan_out_after is null and $5 on conflict do nothing
      )
      select fan_out_after is not null as more from moved`,
    values: [eventId, patternsMatching(types[0]?.type ?? ''), limit, maxAttempts, workflow !== 'none'],
  });
  return rows[0]?.more ?? false;
}

/** Events whose deliveries are not all made yet, oldest first. */
export async function eventsFanningOut(db: Db, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'events-fanning-out',
    text: 'select id from events where fan_out_after is not null order by id limit $1',
    values: [limit],
  });
  return rows.map((row) => row.id);
}
