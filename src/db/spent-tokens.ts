import type { Db } from './pool.js';

/** Rows are kept for this long after their tokens expire: the clocks of processes may differ. */
const KEPT = `interval '1 day'`;
const MAX_FORGOTTEN = 100;

/** Uses up a token, and forgets some that expired long ago. False: it was used up before. */
export async function spendToken(
  db: Db,
  { id, expiresAt }: { id: string; expiresAt: Date },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `with forgotten as (
       delete from spent_tokens where id in (
         select id from spent_tokens where expires_at < now() - ${KEPT}
         order by expires_at limit ${MAX_FORGOTTEN} for update skip locked))
     insert into spent_tokens (id, expires_at) values ($1, $2) on conflict do nothing`,
    [id, expiresAt],
  );
  return rowCount === 1;
}

/** Whether each token was used up, in the order of the ids. */
export async function findSpent(db: Db, ids: string[]): Promise<boolean[]> {
  const { rows } = await db.query<{ id: string }>({
    name: 'find-spent-tokens',
    text: 'select id from spent_tokens where id = any($1)',
    values: [ids],
  });
  const spent = new Set(rows.map(({ id }) => id));
  return ids.map((id) => spent.has(id));
}
