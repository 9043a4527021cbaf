import type { JsonSchema } from '../domain/json-schema.js';
import { EVENT_TYPE } from '../domain/event.js';
import type { EventType } from './event-types.js';
import type { Page } from './pagination.js';
import type { Db } from './pool.js';

export type ListedEventType = Omit<EventType, 'example' | 'schema'> & { has_schema: boolean };

/** By name. `archived` null: both. */
export async function listEventTypes(
  db: Db,
  { archived, after, limit }: { archived: boolean | null; after: string | null; limit: number },
): Promise<Page<ListedEventType>> {
  const { rows } = await db.query<ListedEventType>(
    `select name, description, archived, schema is not null as has_schema, created_at, updated_at from event_types
     where name > $1 and ($2::boolean is null or archived = $2) order by name limit $3`,
    [after ?? '', archived, limit + 1],
  );
  const data = rows.slice(0, limit);
  const next = rows.length > limit ? Buffer.from(data.at(-1)!.name).toString('base64url') : null;
  return { data, next_cursor: next };
}

/** Null: it is no cursor of this list. */
export function decodeNameCursor(cursor: string): string | null {
  const name = Buffer.from(cursor, 'base64url').toString();
  return EVENT_TYPE.test(name) ? name : null;
}

/** Event types whose payloads are checked. */
export async function namesWithSchema(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>('select name from event_types where schema is not null');
  return rows.map(({ name }) => name);
}

/** Null: there is none. */
export async function schemaOf(db: Db, name: string): Promise<JsonSchema | null> {
  const { rows } = await db.query<{ schema: JsonSchema | null }>(
    'select schema from event_types where name = $1',
    [name],
  );
  return rows[0]?.schema ?? null;
}

/** The names among these that are archived. */
export async function archivedAmong(db: Db, names: string[]): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    'select name from event_types where name = any($1) and archived',
    [names],
  );
  return rows.map(({ name }) => name);
}
