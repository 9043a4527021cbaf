import { patternsMatching } from '../../domain/event.js';
import type { Db } from '../pool.js';
import type { AcceptChoice } from './accept.js';
import { attemptsOf, rowOf, workflowOf } from './columns.js';

/** A page of a wide event's deliveries. */
export interface FanOutPage {
  eventId: string;
  /** Endpoints examined at most. */
  limit: number;
  /** Work of their filters at most, as `filter_work` counts it: the page ends earlier then, but has one endpoint at least. */
  maxWork: number;
}

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
    maxWork,
    workflow,
    onUnfiltered = () => {},
  }: {
    maxAttempts: number;
    /** Called if a filter was not evaluated: its endpoint gets the event. */
    onUnfiltered?: () => void;
  } & FanOutPage &
    Pick<AcceptChoice, 'workflow'>,
): Promise<boolean> {
  const { rows: types } = await db.query<{ type: string }>('select type from events where id = $1', [
    eventId,
  ]);
  const { rows } = await db.query<{ more: boolean; unfiltered: boolean }>({
    name: 'fan-out',
    text: `
      with event as (
        -- Another process may be at it: that one goes on.
        select * from events where id = $1 and fan_out_after is not null for update skip locked
      ), candidate as materialized (
        select distinct on (s.endpoint_id) s.* from event cross join lateral unnest($2::text[]) p cross join lateral (
          select endpoint_id, filter_path, filter_cost from subscriptions
          where tenant = event.tenant and pattern = p and endpoint_id > event.fan_out_after
          order by endpoint_id limit $3) s
        order by s.endpoint_id limit $3
      ), content as materialized (
        select document, payload_size(payload, document) as size
        from event cross join lateral (select payload_document(payload) as document offset 0) read
        where exists (select from candidate where filter_cost > 0)
      ), priced as materialized (
        -- Without the document: a window keeps all columns of its rows.
        select candidate.*, filter_work(filter_cost, document, size) as work from candidate left join content on true
      ), examined as materialized (
        select endpoint_id, filter_passes(filter_path, filter_cost, document, size) as passes,
          filter_cost > 0 and not filter_applies(filter_cost, document, size) as unfiltered
        from (select *, row_number() over one as nth, sum(work) over one as work_so_far from priced
            window one as (order by endpoint_id)) bounded
          left join content on true
        where nth = 1 or work_so_far <= $6
      ), matched as materialized (
        select endpoint_id, row_number() over (order by endpoint_id)::int as nth from examined where passes
      ), delivery as (
        insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
          run_at, run_by)
        select new_id('del', event.created_at), event.id, m.endpoint_id, event.tenant, event.type, ${attemptsOf('$4')},
          event.workflow_id || ${workflowOf('event.delivery_count + m.nth', 'true')}, event.created_at,
          event.created_at, 'queue'
        from event cross join matched m cross join ${rowOf('endpoints', 'm.endpoint_id')} ep
      ), moved as (
        update events e set delivery_count = e.delivery_count + (select count(*) from matched),
          fan_out_after = case when (select count(*) from candidate) = $3
            or (select count(*) from examined) < (select count(*) from candidate)
            then (select max(endpoint_id) from examined) end
        from event where e.id = event.id
          returning e.id, e.workflow_id, e.fan_out_after, e.delivery_count
      ), started as (
        insert into workflow_starts (workflow_id, event_id)
        select workflow_id, id from moved where fan_out_after is null and delivery_count > 0 and $5 on conflict do nothing
      )
      select fan_out_after is not null as more, exists (select from examined where unfiltered) as unfiltered from moved`,
    values: [
      eventId,
      patternsMatching(types[0]?.type ?? ''),
      limit,
      maxAttempts,
      workflow !== 'none',
      maxWork,
    ],
  });
  if (rows[0]?.unfiltered) onUnfiltered();
  return rows[0]?.more ?? false;
}

/** An event that matches more endpoints than its commit makes deliveries for. */
export interface WideEvent {
  id: string;
  tenant: string;
}

/** Events whose deliveries are not all made yet: of the oldest, the first of each tenant, then the second of each, … */
export async function eventsFanningOut(db: Db, limit: number): Promise<WideEvent[]> {
  const { rows } = await db.query<WideEvent>({
    name: 'events-fanning-out',
    text: `select id, tenant from (
        select id, tenant, row_number() over (partition by tenant order by id) as nth from (
          select id, tenant from events where fan_out_after is not null order by id limit 10000) oldest) numbered
      order by nth, id limit $1`,
    values: [limit],
  });
  return rows;
}
