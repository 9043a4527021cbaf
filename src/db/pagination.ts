import { isId, lowestId, type IdPrefix } from '../lib/ids.js';
import type { Db } from './pool.js';

export interface PageQuery {
  limit: number;
  /** Last id of the previous page. */
  cursor: string | null;
  from?: Date | undefined;
  to?: Date | undefined;
}

export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

const TABLES = {
  evt: 'events',
  ep: 'endpoints',
  del: 'deliveries',
  bat: 'batches',
  aud: 'audit',
} satisfies Partial<Record<IdPrefix, string>>;

/**
 * Newest first by id: rows added later come before the first page, so a cursor stays valid. A subquery selects the ids
 * first: an index that holds all filtered columns then suffices for them. Otherwise Postgres, for a value it takes for
 * common, would walk all rows by id, to the last one if nothing matches.
 */
export async function pageOf<T extends { id: string }>(
  db: Db,
  select: string,
  equals: Record<string, string | undefined>,
  page: PageQuery,
  prefix: keyof typeof TABLES,
  conditions: string[] = [],
): Promise<Page<T>> {
  const values: unknown[] = [];
  const where = [...conditions];
  const add = (condition: (place: string) => string, value: unknown) => {
    if (value === undefined || value === null) return;
    values.push(value);
    where.push(condition(`$${values.length}`));
  };
  for (const [column, value] of Object.entries(equals)) add((place) => `${place} = ${column}`, value);
  add((place) => `id >= ${place}`, page.from && lowestId(prefix, page.from));
  add((place) => `id < ${place}`, page.to && lowestId(prefix, page.to));
  add((place) => `id < ${place}`, page.cursor);
  values.push(page.limit + 1);
  const clause = where.length ? `where ${where.join(' and ')}` : '';
  const { rows } = await db.query<T & Record<string, unknown>>(
    `${select} join (select id from ${TABLES[prefix]} ${clause} order by id desc limit $${values.length}) page using (id)
     order by id desc`,
    values,
  );
  const data = rows.slice(0, page.limit);
  return { data, next_cursor: rows.length > page.limit ? encodeCursor(data.at(-1)!.id) : null };
}

const encodeCursor = (id: string) => Buffer.from(id).toString('base64url');

export function decodeCursor(cursor: string, prefix: IdPrefix): string | null {
  const id = Buffer.from(cursor, 'base64url').toString();
  return isId(prefix, id) ? id : null;
}
