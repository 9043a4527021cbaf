import { keyIdOf, UnreadableSecretError, type SecretCipher } from '../lib/secret-cipher.js';
import { retryOnConflict, type Db } from './pool.js';
import { DEAD } from './processes.js';
import { aboutSealed, SEALED_COLUMNS, type SealedColumn } from './sealed-columns.js';

/** Values re-encrypted by one statement. */
const PAGE = 500;

export interface Resealed {
  /** Values sealed again with the first key. */
  resealed: number;
  /** Rows whose value no key of the ring opens, by the id of its key. They are left as they are. */
  unreadable: Map<string, string[]>;
}

/**
 * Seals every value again that is not sealed with the first key, page by page, each page one statement. Values change only
 * as they were read, so it may run while processes write, and be interrupted and repeated at any time.
 */
export async function resealAll(db: Db, cipher: SecretCipher): Promise<Resealed> {
  const total: Resealed = { resealed: 0, unreadable: new Map() };
  for (const column of SEALED_COLUMNS) {
    for (let after: string | null = ''; after !== null;)
      after = await resealPage(db, cipher, column, after, total);
  }
  return total;
}

function note({ unreadable }: Resealed, key: string, row: string): void {
  const rows = unreadable.get(key);
  if (rows) rows.push(row);
  else unreadable.set(key, [row]);
}

/** Returns the last id of the page; null: it was the last page. */
async function resealPage(
  db: Db,
  cipher: SecretCipher,
  of: SealedColumn,
  after: string,
  total: Resealed,
): Promise<string | null> {
  const { table, id, column } = of;
  const { rows } = await db.query<{ id: string; sealed: Buffer }>(
    `select ${id} as id, ${column} as sealed from ${table}
     where ${id} > $1 and key_of(${column}) <> $2 order by ${id} limit $3`,
    [after, cipher.keyIds[0], PAGE],
  );
  const changes = rows.flatMap(({ id: row, sealed }) => {
    const about = aboutSealed(of, row);
    try {
      return [{ row, sealed, again: cipher.seal(cipher.open(sealed, about), about) }];
    } catch (error) {
      if (!(error instanceof UnreadableSecretError)) throw error;
      note(total, keyIdOf(sealed), `${table} ${row}`);
      return [];
    }
  });
  const columns = [
    changes.map(({ row }) => row),
    changes.map(({ sealed }) => sealed),
    changes.map(({ again }) => again),
  ];
  // Rows are locked in the order of their ids: two rotations wait for each other, never both.
  const { rowCount } = await retryOnConflict(() =>
    db.query(
      `with change as (
         select * from unnest($1::text[], $2::bytea[], $3::bytea[]) as c (row_id, was, again)
       ), locked as materialized (
         select ${id} as row_id from ${table} where ${id} = any($1) order by ${id} for no key update
       )
       update ${table} t set ${column} = change.again from change join locked using (row_id)
       where t.${id} = row_id and t.${column} = change.was`,
      columns,
    ),
  );
  total.resealed += rowCount ?? 0;
  return rows.length < PAGE ? null : rows.at(-1)!.id;
}

/** Ids of the keys that values of this database may be sealed with. */
export async function listKeyIds(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    'select id from encryption_keys where forgotten_at is null order by id',
  );
  return rows.map(({ id }) => id);
}

const uses = SEALED_COLUMNS.map(
  ({ table, column }) => `select from ${table} where key_of(${column}) = $1`,
).join(' union all ');

/**
 * Drops a key that seals no value any more and with which no running process seals; false: it stays. From then on nothing
 * can be sealed with it. Runs in the caller's transaction.
 */
export async function dropUnusedKey(db: Db, id: string): Promise<boolean> {
  // Makes a process that starts now wait, see `requireKeysOfProcess`.
  await db.query('lock table encryption_keys in row exclusive mode');
  // Waits for those who are sealing with it, in a statement of its own: the next one sees their values.
  await db.query('select from encryption_keys where id = $1 for update', [id]);
  const { rowCount } = await db.query(
    `delete from encryption_keys where id = $1 and not exists (${uses})
       and not exists (select from processes where alive_at > now() - ${DEAD} and key_ids[1] = $1)`,
    [id],
  );
  return rowCount === 1;
}

/** Gives a lost key up: starts no longer ask for it, and what is sealed with it stays unreadable. False: it is not known. */
export async function forgetKey(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'update encryption_keys set forgotten_at = now() where id = $1 and forgotten_at is null',
    [id],
  );
  return rowCount === 1;
}
