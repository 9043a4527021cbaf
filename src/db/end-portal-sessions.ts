import { audit, type Actor } from './audit.js';
import { transaction, type Db, type Pool } from './pool.js';
import { COLUMNS, getPortalSession, shown, TO_REVOKE, type StoredPortalSession } from './portal-sessions.js';

/** Lists show sessions for this long after their end; the audit has them for ever. */
const KEPT = `interval '30 days'`;

interface By {
  actor: Actor;
  reason: string | null;
}

/** Ends the session, or its link. Null: there is none. Revoking again changes nothing. */
export async function revokePortalSession(
  pool: Pool,
  id: string,
  by: By,
): Promise<StoredPortalSession | null> {
  const session = await transaction(pool, async (db) => {
    const revoked = await revoke(db, 'id = $1', id);
    await auditEach(db, revoked, by);
    return revoked[0];
  });
  return session ?? getPortalSession(pool, id);
}

/** Ends all sessions and links of a tenant. Returns how many. */
export const revokePortalSessions = (pool: Pool, tenant: string, { actor, reason }: By): Promise<number> =>
  transaction(pool, async (db) => {
    const { length: revoked } = await revoke(db, `tenant = $1 and ${TO_REVOKE}`, tenant);
    const entry = { actor, action: 'portal_session.revoke_all', object: `tenant:${tenant}`, tenant, reason };
    if (revoked > 0) await audit(db, { ...entry, after: { revoked } });
    return revoked;
  });

/** Ends the sessions of a tenant that is deleted. Runs in the caller's transaction. */
export async function endPortalSessions(db: Db, tenant: string, actor: Actor): Promise<void> {
  const revoked = await revoke(db, `tenant = $1 and ${TO_REVOKE}`, tenant);
  await auditEach(db, revoked, { actor, reason: 'the tenant is deleted' });
}

/** Returns the sessions that it ends. A redemption under way holds the row: its token is there for the second statement. */
async function revoke(db: Db, which: string, value: string): Promise<StoredPortalSession[]> {
  const { rows } = await db.query<StoredPortalSession>(
    `update portal_sessions set revoked_at = now() where ${which} and revoked_at is null returning ${COLUMNS}`,
    [value],
  );
  if (rows.length > 0)
    await db.query(
      'update api_keys set revoked_at = now() where portal_session_id = any($1) and revoked_at is null',
      [rows.map(({ id }) => id)],
    );
  return rows;
}

/** In one statement, because events of a tenant wait for its deletion. */
async function auditEach(db: Db, sessions: StoredPortalSession[], { actor, reason }: By): Promise<void> {
  if (sessions.length === 0) return;
  await db.query(
    `insert into audit (id, actor, request_id, action, object, tenant, reason, before, after)
     select new_id('aud', now()), $1, $2, 'portal_session.revoke', session ->> 'id', session ->> 'tenant', $3,
       session || '{"revoked_at": null}'::jsonb, session
     from jsonb_array_elements($4::jsonb) session`,
    [actor.name, actor.requestId, reason, JSON.stringify(sessions.map(shown))],
  );
}

/** Deletes sessions that ended long ago, with their tokens. Returns how many, at most `limit`. */
export async function forgetPortalSessions(db: Db, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from portal_sessions where id in (
       select id from portal_sessions where expires_at < now() - ${KEPT} order by expires_at limit $1)`,
    [limit],
  );
  return rowCount ?? 0;
}
