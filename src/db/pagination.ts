import { isId, lowestId, type IdPrefix } from '../lib/ids.js';
import type { Db } from './pool.js';

export interface PageQuery {
  limit: number;
  /** Last id of the previous page. */
  cursor: string | null;
  from?: Date | undefined;
  to?: Date | undefined;
  /** Only these. */
  ids?: string[];
}

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** A table, or a part of one. */
export interface Source {
  table: string;
  where: string;
}

const whole = (table: string): Source[] => [{ table, where: 'true' }];
const SOURCES = {
  evt: whole('events'),
  ep: whole('endpoints'),
  bat: whole('batches'),
  aud: whole('audit'),
  key: [{ table: 'api_keys', where: `role <> 'portal'` }],
  pos: whole('portal_sessions'),
  del: [...whole('open_deliveries'), ...whole('deliveries')],
} satisfies Partial<Record<IdPrefix, Source[]>>;

/**
 * Newest first by id: rows added later come before the first page, so a cursor stays valid. A subquery selects the ids
 * first: an index that holds all filtered columns then suffices for them. Otherwise Postgres, for a value it takes for
 * common, would walk all rows by id, to the last one if nothing matches. Each of several sources is read no further than
 * for one page. `select`: the columns and the table, or the whole statement but its order, of the page of ids given.
 */
export async function pageOf<T extends { id: string }>(
  db: Db,
  select: string | ((page: string) => string),
  equals: Record<string, string | undefined>,
  page: PageQuery,
  prefix: keyof typeof SOURCES,
  sources: Source[] = SOURCES[prefix],
): Promise<Page<T>> {
  const values: unknown[] = [];
  const where: string[] = [];
  const add = (condition: (place: string) => string, value: unknown) => {
    if (value === undefined || value === null) return;
    values.push(value);
    where.push(condition(`$${values.length}`));
  };
  for (const [column, value] of Object.entries(equals)) add((place) => `${place} = ${column}`, value);
  add((place) => `id >= ${place}`, page.from && lowestId(prefix, page.from));
  add((place) => `id < ${place}`, page.to && lowestId(prefix, page.to));
  add((place) => `id < ${place}`, page.cursor);
  add((place) => `id = any(${place})`, page.ids);
  values.push(page.limit + 1);
  const newest = `order by id desc limit $${values.length}`;
  const ids = sources.map(
    (source) => `(select id from ${source.table} where ${[source.where, ...where].join(' and ')} ${newest})`,
  );
  const ofPage = `(${ids.length === 1 ? ids[0] : `select id from (${ids.join(' union all ')}) found ${newest}`}) page`;
  const { rows } = await db.query<T & Record<string, unknown>>(
    `${typeof select === 'string' ? `${select} join ${ofPage} using (id)` : select(ofPage)} order by id desc`,
    values,
  );
  const data = rows.slice(0, page.limit);
  return { data, next_cursor: rows.length > page.limit ? encodeCursor(data.at(-1)!.id) : null };
}

export const encodeCursor = (id: string) => Buffer.from(id).toString('base64url');

export function decodeCursor(cursor: string, prefix: IdPrefix): string | null {
  const id = Buffer.from(cursor, 'base64url').toString();
  return isId(prefix, id) ? id : null;
}
