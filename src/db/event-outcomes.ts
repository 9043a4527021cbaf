import type { DeliveryStatus } from '../domain/delivery.js';
import { sinceId } from '../lib/ids.js';
import { statusOf } from './derived-status.js';
import { MAX_SHOWN, type StoredEvent } from './events.js';
import type { Db } from './pool.js';

/** Numbers of endpoints by the status of the newest delivery to each. */
export type Outcome = Partial<Record<DeliveryStatus, number>>;

/** Deliveries that are read of one event: more than `MAX_SHOWN` are replays. */
const MOST_READ = 1_000;

/** The outcomes of the events of a page; not of those with more than `MAX_SHOWN` deliveries, or that still get some. */
export async function outcomesOf(
  db: Db,
  events: Pick<StoredEvent, 'id' | 'delivery_count'>[],
): Promise<Map<string, Outcome>> {
  const ids = events
    .filter(({ delivery_count: made }) => made !== null && made <= MAX_SHOWN)
    .map(({ id }) => id)
    .sort();
  const outcomes = new Map<string, Outcome>(ids.map((id) => [id, {}]));
  if (ids.length === 0) return outcomes;
  const { rows } = await db.query<{ id: string; status: DeliveryStatus; count: number }>(
    `select e.id, newest.status, count(*)::int as count
     from unnest($1::text[]) e (id) cross join lateral (
       select distinct on (endpoint_id) status from (
         (select id, endpoint_id, status from deliveries where event_id = e.id and id >= $2
          order by endpoint_id limit ${MOST_READ})
         union all
         (select id, endpoint_id, ${statusOf('o')} as status from open_deliveries o where event_id = e.id
          order by endpoint_id limit ${MOST_READ})
       ) made order by endpoint_id, id desc
     ) newest group by 1, 2`,
    [ids, sinceId('del', ids[0]!)],
  );
  for (const { id, status, count } of rows) outcomes.get(id)![status] = count;
  return outcomes;
}
