import { compileFilter, readFilter, type Filter } from '../domain/filter.js';
import type { Db } from './pool.js';

/** The columns of an endpoint's filter. It is compiled once, here; a trigger copies it to the subscriptions. */
export function filterColumns(filter: Filter | null) {
  const { predicate, cost } = filter ? compileFilter(filter) : { predicate: null, cost: 0 };
  return { filter: filter && JSON.stringify(filter), filter_path: predicate, filter_cost: cost };
}

export interface FilterMatch {
  endpoint_id: string;
  /** Why its deliveries would be held; null: nothing holds them. */
  held: string | null;
  /** 'not_evaluated': the endpoint gets the event all the same. */
  filter: 'none' | 'passes' | 'fails' | 'not_evaluated';
  /** The first condition that fails, as a path inside the filter. */
  failed: (string | number)[] | null;
}

interface Filtered {
  id: string;
  filter: Filter | null;
}

/** A filter takes up to 20 ms, and each of its conditions is asked for again: so a statement takes 0.4 s. */
const PER_STATEMENT = 20;

/** The result of each endpoint's filter for a payload, in the order of the endpoints. */
export async function matchFilters(db: Db, payload: string, endpoints: Filtered[]): Promise<FilterMatch[]> {
  const matches: FilterMatch[] = [];
  for (let at = 0; at < endpoints.length; at += PER_STATEMENT)
    matches.push(...(await matchSome(db, payload, endpoints.slice(at, at + PER_STATEMENT))));
  return matches;
}

async function matchSome(db: Db, payload: string, endpoints: Filtered[]): Promise<FilterMatch[]> {
  const { rows } = await db.query<Omit<FilterMatch, 'failed'>>(
    `select id as endpoint_id, held_reason(tenant, id) as held,
       case when filter_path is null then 'none' when not filter_applies(filter_cost, document, size) then 'not_evaluated'
         when filter_passes(filter_path, filter_cost, document, size) then 'passes' else 'fails' end as filter
     from (select document, payload_size($1, document) as size
         from (select payload_document($1) as document offset 0) read offset 0) content
       cross join endpoints where id = any($2)`,
    [payload, endpoints.map(({ id }) => id)],
  );
  const found = new Map(rows.map((row) => [row.endpoint_id, row]));
  const failing = endpoints.filter(({ id }) => found.get(id)?.filter === 'fails');
  const failed = await firstFailures(db, payload, failing);
  return endpoints.flatMap(({ id }) => {
    const row = found.get(id);
    return row ? [{ ...row, failed: failed.get(id) ?? null }] : [];
  });
}

/** The first condition of each filter that does not hold. */
async function firstFailures(db: Db, payload: string, endpoints: Filtered[]) {
  const parts = endpoints.flatMap(({ id, filter }) =>
    readFilter(filter).parts.map(({ path, predicate }) => ({ id, path, predicate })),
  );
  if (parts.length === 0) return new Map<string, FilterMatch['failed']>();
  const { rows } = await db.query<{ nth: number }>(
    `select nth::int from (select payload_document($1) as document offset 0) content
       cross join unnest($2::text[]) with ordinality as part (predicate, nth)
     where not jsonb_path_match(document, predicate::jsonpath, '{}', true) order by nth desc`,
    [payload, parts.map(({ predicate }) => predicate)],
  );
  // Descending: the first condition of an endpoint is the last one entered.
  return new Map(rows.map(({ nth }) => [parts[nth - 1]!.id, parts[nth - 1]!.path]));
}
