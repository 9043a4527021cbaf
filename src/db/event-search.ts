import { soughtText } from '../domain/search-text.js';
import { lowestId } from '../lib/ids.js';
import type { StoredEvent } from './events.js';
import type { Db } from './pool.js';

/** Bounds of one request: a page comes soon, however much there is to search. */
const MOST = { events: 5_000, ms: 10 };
/** Bounds of one statement. A payload is examined whole: the last one may exceed the bytes. */
const STEP = { events: 1_000, bytes: 1024 * 1024 };
/** Events of the first statement, which shows how long one takes, and the fewest that another is worth its cost for. */
const FIRST = 250;
const FEWEST = 100;

export interface EventSearch {
  text: string;
  tenant?: string | undefined;
  type?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

export type FoundEvent = Omit<StoredEvent, 'deliveries'>;

interface Place {
  id: string;
  at: Date;
}

export interface SearchPage {
  data: FoundEvent[];
  /** The event to go on behind; null: all are searched. */
  next: string | null;
  examined: number;
  searchedTo: Date | null;
}

/** Events whose payload contains a text, newest first, as far as the bounds of a request allow. */
export async function searchEvents(
  db: Db,
  search: EventSearch,
  { limit, cursor }: { limit: number; cursor: string | null },
): Promise<SearchPage> {
  const end = performance.now() + MOST.ms;
  const data: FoundEvent[] = [];
  let examined = 0;
  let last: Place | null = null;
  let size = FIRST;
  for (;;) {
    const began = performance.now();
    const step: Step = await searchStep(db, search, {
      cursor: last?.id ?? cursor,
      size,
      limit: limit - data.length,
    });
    data.push(...step.found);
    examined += step.examined;
    last = step.last ?? last;
    const now = performance.now();
    const fitting = Math.floor(((end - now) * step.examined) / (now - began));
    size = Math.min(STEP.events, MOST.events - examined, fitting);
    if (!step.isEnd && data.length < limit && size >= FEWEST) continue;
    return { data, next: step.isEnd ? null : (last?.id ?? cursor), examined, searchedTo: last?.at ?? null };
  }
}

interface Step {
  found: FoundEvent[];
  examined: number;
  /** The last event that was examined, or found where more are found than fit. */
  last: Place | null;
  isEnd: boolean;
}

type Row = FoundEvent & { read: number; examined: number; last_id: string | null; last_at: Date | null };

async function searchStep(
  db: Db,
  { text, tenant, type, from, to }: EventSearch,
  { cursor, size, limit }: { cursor: string | null; size: number; limit: number },
): Promise<Step> {
  const { part, pattern } = soughtText(text);
  const values: unknown[] = [size, STEP.bytes, limit + 1, part ?? pattern];
  const where = ['true'];
  const add = (condition: string, value: unknown) => {
    if (value !== undefined && value !== null) where.push(`${condition} $${values.push(value)}`);
  };
  add('id <', cursor);
  add('id >=', from && lowestId('evt', from));
  add('id <', to && lowestId('evt', to));
  add('tenant =', tenant);
  add('type =', type);
  const newest = `from events where ${where.join(' and ')} order by id desc limit $1`;
  // An index that holds the filtered columns suffices for the ids (see `pageOf`).
  const page =
    (tenant ?? type) ? `events join (select id ${newest}) ids using (id)` : `(select * ${newest}) newest`;
  const folded = 'lower(payload collate "C")';
  // Planning, for each partition, takes as long as the search: a statement is planned once for all that have its text.
  const given = [cursor, from, to, tenant, type, part].map((value) => (value == null ? 0 : 1));
  const { rows } = await db.query<Row>({
    name: `search-events-${given.join('')}`,
    text: `
     with page as materialized (
       select id, created_at, before < $2 as is_examined,
         case when before < $2 then ${part === null ? `${folded} ~ $4` : `strpos(${folded}, $4) > 0`} end as is_found
       from (select id, created_at, payload, sum(octet_length(payload)) over (order by id desc rows unbounded preceding)
           - octet_length(payload) as before from ${page}) sized
     ), examined as (
       select count(*)::int as read, (count(*) filter (where is_examined))::int as examined from page
     ), found as (
       select id, type, tenant, idempotency_key, workflow_id, created_at,
         case when fan_out_after is null then delivery_count end as delivery_count
       from events join (select id from page where is_found order by id desc limit $3) ids using (id)
     )
     select found.*, examined.*, last.id as last_id, last.created_at as last_at
     from examined left join (select id, created_at from page where is_examined order by id limit 1) last on true
       left join found on true order by found.id desc`,
    values,
  });
  const { read, examined, last_id, last_at } = rows[0]!;
  const found = rows.filter(({ id }) => id !== null);
  const data = found.slice(0, limit).map(shown);
  const isFull = found.length > limit;
  const { id, created_at } = isFull ? data.at(-1)! : { id: last_id, created_at: last_at };
  return {
    found: data,
    examined,
    last: id === null ? null : { id, at: created_at! },
    isEnd: !isFull && read < size && examined === read,
  };
}

const shown = ({
  id,
  type,
  tenant,
  idempotency_key,
  workflow_id,
  created_at,
  delivery_count,
}: Row): FoundEvent => ({
  ...{ id, type, tenant, idempotency_key, workflow_id, created_at, delivery_count },
});
