import { DELIVERIES_PER_WORKFLOW, IDEMPOTENCY_WINDOW_HOURS, patternsMatching } from '../../domain/event.js';
import type { DeliveryStatus } from '../../domain/delivery.js';
import { bulkParam, bulkValue } from '../bulk-params.js';
import { isPaused } from '../derived-status.js';
import type { DeliveryStub, NewEvent, StoredEvent } from '../events.js';
import { makeTenants } from '../make-tenants.js';
import type { Db } from '../pool.js';
import { LEASE_MS } from './claim.js';
import { attemptsOf, rowOf, workflowOf } from './columns.js';
import { MATCHED, MAX_FILTER_WORK } from './matching.js';

export interface AcceptChoice {
  /** The process that makes the first attempts at once; null: they are ready for any poller. */
  claimedBy: string | null;
  /** Endpoints whose deliveries it leaves ready, because many of theirs wait in it already. */
  fullEndpoints?: string[];
  /** When its workflow is started: at once by this process, later by the backfill, or not at all. */
  workflow: 'now' | 'later' | 'none';
}

/** A delivery made by accepting an event. `claim`: of the accepting process; null: it is ready, or held. */
export interface MadeDelivery extends DeliveryStub {
  claim: number | null;
  workflow_id: string;
  max_attempts: number;
}

/** Result of one commit; 'known': the key was used within its window, and no event was stored. */
export type Stored =
  | {
      kind: 'accepted';
      event: StoredEvent;
      made: MadeDelivery[];
      /** More deliveries follow: `fanOut` makes the next page. */
      wide: boolean;
      /** A filter was not evaluated, because Postgres cannot read the payload or it is too large: its endpoint gets the event. */
      unfiltered: boolean;
      /** Endpoints that match its type, as far as they were looked up, and the work of their filters. */
      examined: { endpoints: number; filterWork: number };
    }
  | { kind: 'known' };

/** Whether the delivery to endpoint `ep` of tenant `i.tenant` is held from the start. */
const IS_HELD = `(${isPaused('i.tenant')} or hold_of(ep) is not null)`;
/**
 * Stores the keys, events and deliveries of many events in one statement and one commit; a key still in its window
 * changes nothing. No two events may have the same tenant and key. Results are in the order of `events`. `filterWork`: of
 * each event at most, in this statement.
 */
export async function acceptEvents(
  db: Db,
  events: NewEvent[],
  { claimedBy, fullEndpoints = [], workflow }: AcceptChoice,
  filterWork: number[] = events.map(() => MAX_FILTER_WORK),
): Promise<Stored[]> {
  const each = (of: (event: NewEvent) => string | number | null) => bulkValue(events.map(of));
  const { rows } = await db.query<{
    id: string;
    workflow_id: string;
    created_at: Date;
    delivery_count: number;
    wide: boolean;
    unfiltered: boolean;
    matching: number;
    needed: number;
    delivery_id: string | null;
    endpoint_id: string;
    status: DeliveryStatus;
    claim: number | null;
    delivery_workflow_id: string;
    max_attempts: number;
  }>({
    name: 'accept-events',
    text: `
      with input as (
        select i.*, endpoint_list::text[] as endpoint_ids, string_to_array(pattern_list, ' ') as patterns,
          date_trunc('milliseconds', now() - age_ms * interval '1 millisecond') as at
        from unnest(${bulkParam(1)}, ${bulkParam(2)}, ${bulkParam(3)}, ${bulkParam(4)}, ${bulkParam(5)}, ${bulkParam(6)},
          ${bulkParam(7)}, ${bulkParam(8, 'int')}, ${bulkParam(9, 'float8')}, ${bulkParam(10)}, ${bulkParam(11)},
          ${bulkParam(12)}, ${bulkParam(13)}, ${bulkParam(17, 'int')})
          as i (id, tenant, type, payload, key, hash, workflow_id, max_attempts, age_ms, endpoint_list, pattern_list,
            headers, content_type, budget)
      ), tenant as (
        ${makeTenants('input')}
      ), key as (
        -- In one order everywhere: two processes that share keys wait for each other, never both.
        insert into idempotency_keys as k (tenant, key, event_id, request_hash, accepted_at)
        select tenant, key, id, decode(hash, 'hex'), at from input order by tenant, key
        on conflict (tenant, key) do update
          set event_id = excluded.event_id, request_hash = excluded.request_hash, accepted_at = excluded.accepted_at,
              generation = k.generation + 1, earlier_event_ids = k.earlier_event_ids || k.event_id
          where k.accepted_at <= excluded.accepted_at - interval '${IDEMPOTENCY_WINDOW_HOURS} hours'
        returning event_id, generation
      ), matched as materialized (${MATCHED}
      ), event as (
        insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at, targeted, headers,
          content_type, fan_out_after, delivery_count)
        select i.id, i.tenant, type, payload, key, workflow_id || case when generation = 1 then '' else '~' || generation end,
          at, endpoint_ids is not null, headers::jsonb, content_type, case when wide then last end, cardinality(found)
        from matched join input i on i.id = matched.id
        returning id, workflow_id, created_at, delivery_count, fan_out_after is not null as wide
      ), delivery as (
        insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
          run_at, run_by, claimed_by, claim_until, claim)
        select new_id('del', i.at), i.id, ep.id, i.tenant, i.type, ${attemptsOf('i.max_attempts')},
          event.workflow_id || ${workflowOf('nth', `event.wide or event.delivery_count > ${DELIVERIES_PER_WORKFLOW}`)},
          i.at, i.at, case when $15 = 'now' and not event.wide and claim.process is not null then 'workflow' else 'queue' end,
          claim.process, case when claim.process is not null then now() + ${LEASE_MS} * interval '1 millisecond' end,
          case when claim.process is null then 0 else 1 end
        from matched join event on event.id = matched.id join input i on i.id = matched.id
          cross join lateral unnest(matched.found) with ordinality as m (endpoint_id, nth)
          cross join ${rowOf('endpoints', 'm.endpoint_id')} ep
          cross join lateral (select case when ep.id <> all($16::text[]) and not ${IS_HELD} then $14 end as process) claim
        returning event_id, id, endpoint_id, claimed_by, claim, workflow_id, max_attempts
      ), later as (
        insert into workflow_starts (workflow_id, event_id)
        select workflow_id, id from event where $15 = 'later' and not wide and delivery_count > 0
      )
      select event.*, unfiltered, matching, needed, d.id as delivery_id, d.endpoint_id,
        d.workflow_id as delivery_workflow_id, d.max_attempts,
        case when d.claimed_by is not null then d.claim end as claim,
        case when d.claimed_by is null and ${IS_HELD} then 'HELD' else 'PENDING' end as status
      from event join matched i on i.id = event.id left join delivery d on d.event_id = event.id
        left join endpoints ep on ep.id = d.endpoint_id
      order by event.id, d.endpoint_id`,
    values: [
      each((event) => event.id),
      each((event) => event.tenant),
      each((event) => event.type),
      each((event) => event.payload),
      each((event) => event.idempotencyKey),
      each((event) => event.requestHash),
      each((event) => event.workflowId),
      each((event) => event.maxAttempts),
      each((event) => Date.now() - event.createdAt.getTime()),
      each((event) => event.endpointIds && `{${event.endpointIds.join()}}`),
      each((event) => patternsMatching(event.type).join(' ')),
      each(({ headers }) => (headers ? JSON.stringify(headers) : null)),
      each(({ contentType }) => contentType ?? null),
      claimedBy,
      workflow,
      fullEndpoints,
      bulkValue(filterWork),
    ],
  });
  type Row = (typeof rows)[number];
  const stored = new Map<string, { row: Row; made: MadeDelivery[] }>();
  for (const row of rows) {
    const event = stored.get(row.id) ?? { row, made: [] };
    stored.set(row.id, event);
    const { delivery_id: id, endpoint_id, status, claim, max_attempts } = row;
    const { delivery_workflow_id: workflow_id } = row;
    if (id) event.made.push({ id, endpoint_id, status, claim, workflow_id, max_attempts });
  }
  return events.map(({ id, type, tenant, idempotencyKey }) => {
    const accepted = stored.get(id);
    if (!accepted) return { kind: 'known' };
    const { row, made } = accepted;
    const { workflow_id, created_at, wide } = row;
    const event: StoredEvent = {
      id,
      type,
      tenant,
      idempotency_key: idempotencyKey,
      created_at,
      workflow_id,
      deliveries: made.map(({ id, endpoint_id, status }) => ({ id, endpoint_id, status })),
      delivery_count: wide ? null : row.delivery_count,
    };
    const examined = { endpoints: row.matching, filterWork: row.needed };
    return { kind: 'accepted', event, made, wide, unfiltered: row.unfiltered, examined };
  });
}
