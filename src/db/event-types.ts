import { canonicalJson } from '../domain/canonical-json.js';
import type { JsonSchema } from '../domain/json-schema.js';
import { audit } from './audit.js';
import type { By } from './endpoints.js';
import { transaction, type Db, type Pool } from './pool.js';

/** Channel that tells every process the name of a changed event type; a trigger sends it. */
export const EVENT_TYPE_CHANNEL = 'surehook_event_type';

export interface EventTypeSettings {
  description: string | null;
  /** Null: none. */
  example: unknown;
  /** Null: any payload. */
  schema: JsonSchema | null;
  archived: boolean;
}

export interface EventType extends EventTypeSettings {
  name: string;
  created_at: Date;
  updated_at: Date;
}

const COLUMNS = 'name, description, example, schema, archived, created_at, updated_at';
const valuesOf = ({ description, example, schema, archived }: EventTypeSettings) => [
  description,
  example === null ? null : JSON.stringify(example),
  schema && JSON.stringify(schema),
  archived,
];

/** Null: the name is taken. Runs in the caller's transaction. */
export async function insertEventType(
  db: Db,
  input: { name: string } & EventTypeSettings,
  by: Omit<By, 'action'>,
): Promise<EventType | null> {
  const { rows } = await db.query<EventType>(
    `insert into event_types (name, description, example, schema, archived) values ($1, $2, $3, $4, $5)
     on conflict do nothing returning ${COLUMNS}`,
    [input.name, ...valuesOf(input)],
  );
  const [after] = rows;
  if (after) await audit(db, { ...by, action: 'event_type.create', object: input.name, tenant: null, after });
  return after ?? null;
}

export async function getEventType(
  db: Db,
  name: string,
  lock: '' | 'for update' = '',
): Promise<EventType | null> {
  const { rows } = await db.query<EventType>(`select ${COLUMNS} from event_types where name = $1 ${lock}`, [
    name,
  ]);
  return rows[0] ?? null;
}

/** Null: no such event type. `verify` throws to refuse the result. */
export async function updateEventType(
  pool: Pool,
  name: string,
  changes: { [K in keyof EventTypeSettings]?: EventTypeSettings[K] | undefined },
  by: Omit<By, 'action'>,
  verify: (after: EventTypeSettings) => void,
): Promise<EventType | null> {
  return transaction(pool, async (db) => {
    const before = await getEventType(db, name, 'for update');
    if (!before) return null;
    const given = Object.entries(changes).filter(([, value]) => value !== undefined);
    const settings = { ...before, ...(Object.fromEntries(given) as Partial<EventTypeSettings>) };
    verify(settings);
    return writeEventType(db, before, settings, by);
  });
}

async function writeEventType(
  db: Db,
  before: EventType,
  settings: EventTypeSettings,
  by: Omit<By, 'action'>,
): Promise<EventType> {
  const { rows } = await db.query<EventType>(
    `update event_types set description = $2, example = $3, schema = $4, archived = $5, updated_at = now()
     where name = $1 returning ${COLUMNS}`,
    [before.name, ...valuesOf(settings)],
  );
  const after = rows[0]!;
  await audit(db, { ...by, action: 'event_type.update', object: before.name, tenant: null, before, after });
  return after;
}

/** Events of a deleted type are still accepted, whatever their payload. */
export async function deleteEventType(pool: Pool, name: string, by: Omit<By, 'action'>): Promise<boolean> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<EventType>(
      `delete from event_types where name = $1 returning ${COLUMNS}`,
      [name],
    );
    if (rows[0])
      await audit(db, { ...by, action: 'event_type.delete', object: name, tenant: null, before: rows[0] });
    return rows[0] !== undefined;
  });
}

export interface Imported {
  created: string[];
  updated: string[];
  unchanged: string[];
}

export type EventTypeImport = { name: string } & Omit<EventTypeSettings, 'archived'>;

/** Creates and changes event types, all or none; those that are not named stay as they are, and so does `archived`. */
export async function importEventTypes(
  pool: Pool,
  types: EventTypeImport[],
  { dryRun, ...by }: Omit<By, 'action'> & { dryRun: boolean },
): Promise<Imported> {
  return transaction(pool, async (db) => {
    // Creating a type that another transaction creates meanwhile would fail, and locks of single types may deadlock.
    // Reading goes on.
    if (!dryRun) await db.query('lock table event_types in exclusive mode');
    const result: Imported = { created: [], updated: [], unchanged: [] };
    const { rows } = await db.query<EventType>(`select ${COLUMNS} from event_types where name = any($1)`, [
      types.map(({ name }) => name),
    ]);
    const known = new Map(rows.map((row) => [row.name, row]));
    for (const type of types) {
      const before = known.get(type.name);
      if (before && isSame(before, type)) {
        result.unchanged.push(type.name);
        continue;
      }
      (before ? result.updated : result.created).push(type.name);
      if (dryRun) continue;
      if (before) await writeEventType(db, before, { ...type, archived: before.archived }, by);
      else await insertEventType(db, { ...type, archived: false }, by);
    }
    return result;
  });
}

const isSame = (before: EventType, { description, example, schema }: EventTypeImport) =>
  before.description === description &&
  canonicalJson([before.example, before.schema]) === canonicalJson([example, schema]);
