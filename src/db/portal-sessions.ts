import { redactUrl } from '../domain/redact.js';
import type { PortalScope } from '../domain/role.js';
import { newId } from '../lib/ids.js';
import { makerRevokedAt } from './api-keys.js';
import { audit, type Actor } from './audit.js';
import { keepTenant } from './make-tenants.js';
import { pageOf, type Page, type PageQuery } from './pagination.js';
import { transaction, type Db, type Pool } from './pool.js';

/** A link may be redeemed for this long. */
const LINK = `interval '10 minutes'`;
/** Sessions and links of a tenant that can be used: a deletion of the tenant ends them in one transaction. */
export const MAX_LIVE = 1_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Requests of a session per second, in each process: the operator does not know its user. */
const RATE_PER_SECOND = 50;

export interface NewPortalSession {
  tenant: string;
  scopes: PortalScope[];
  /** Seconds. */
  expires_in: number;
  return_url: string | null;
}

export interface StoredPortalSession extends Omit<NewPortalSession, 'expires_in'> {
  id: string;
  link_expires_at: Date;
  expires_at: Date;
  created_by: string;
  created_at: Date;
  redeemed_at: Date | null;
  revoked_at: Date | null;
}

const MAKER_REVOKED_AT = makerRevokedAt('portal_sessions');
/** `revoked_at`: of the session itself, or of its maker, whichever was first. */
export const COLUMNS = `id, tenant, scopes, return_url, link_expires_at, expires_at, created_by, created_at, redeemed_at,
  least(revoked_at, ${MAKER_REVOKED_AT}) as revoked_at`;

const endsAfter = (time: string) =>
  `revoked_at is null and ends_at > ${time} and ${MAKER_REVOKED_AT} is null`;
/** SQL: the session, or its link, can be used. */
export const LIVE = endsAfter('now()');
/** SQL: the same, and links that expired a moment ago: the redemption of one may be under way. */
export const TO_REVOKE = endsAfter(`now() - interval '1 minute'`);

/**
 * `codeHash`: SHA-256 in hex. 'too_many': requests at the same time may exceed `MAX_LIVE` by their number. Runs in the
 * caller's transaction.
 */
export async function insertPortalSession(
  db: Db,
  { tenant, scopes, expires_in, return_url }: NewPortalSession,
  codeHash: string,
  actor: Actor,
): Promise<StoredPortalSession | 'too_many'> {
  const { rowCount } = await db.query(
    `select from portal_sessions where tenant = $1 and ${LIVE} limit ${MAX_LIVE}`,
    [tenant],
  );
  if (rowCount === MAX_LIVE) return 'too_many';
  await keepTenant(db, tenant);
  const { rows } = await db.query<StoredPortalSession>(
    `insert into portal_sessions (id, tenant, scopes, return_url, code_hash, created_by, expires_at, link_expires_at)
     values ($1, $2, $3, $4, decode($5, 'hex'), $6, now() + $7 * interval '1 second',
       now() + least($7 * interval '1 second', ${LINK})) returning ${COLUMNS}`,
    [newId('pos'), tenant, scopes, return_url, codeHash, actor.name, expires_in],
  );
  const session = rows[0]!;
  await audit(db, { actor, action: 'portal_session.create', ...about(session), after: shown(session) });
  return session;
}

export async function getPortalSession(db: Db, id: string): Promise<StoredPortalSession | null> {
  const { rows } = await db.query<StoredPortalSession>(
    `select ${COLUMNS} from portal_sessions where id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

export const listPortalSessions = (
  db: Db,
  { active, tenant }: { active?: string | undefined; tenant?: string | undefined },
  page: PageQuery,
): Promise<Page<StoredPortalSession>> => {
  const select = `select ${COLUMNS} from portal_sessions`;
  if (active === undefined) return pageOf(db, select, { tenant }, page, 'pos');
  // A session lasts for a day at most: older ones are not looked at.
  const from = page.from ?? new Date(Date.now() - 2 * DAY_MS);
  return pageOf(db, select, { tenant }, { ...page, from }, 'pos', [
    { table: 'portal_sessions', where: LIVE },
  ]);
};

export interface Redemption {
  /** SHA-256 in hex. */
  codeHash: string;
  /** SHA-256 in hex. */
  tokenHash: string;
  requestId: string;
}

export type Unredeemed = 'unknown' | 'used' | 'expired' | 'revoked';

/** Uses up the code and stores the token in one transaction: one of several requests with the same code gets a token. */
export async function redeemPortalSession(
  pool: Pool,
  { codeHash, tokenHash, requestId }: Redemption,
): Promise<StoredPortalSession | Unredeemed> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<StoredPortalSession>(
      `update portal_sessions set redeemed_at = now()
       where code_hash = decode($1, 'hex') and redeemed_at is null and revoked_at is null and link_expires_at > now()
         and ${MAKER_REVOKED_AT} is null
       returning ${COLUMNS}`,
      [codeHash],
    );
    const [session] = rows;
    if (!session) return (await findCodes(db, [codeHash]))[0] ?? 'expired';
    const name = `portal:${session.id}`;
    await db.query(
      `insert into api_keys (id, name, hash, role, tenant, scopes, portal_session_id, rate_per_second, expires_at,
         created_by)
       select $1, $2, decode($3, 'hex'), 'portal', tenant, scopes, id, ${RATE_PER_SECOND}, expires_at, created_by
       from portal_sessions where id = $4`,
      [newId('key'), name, tokenHash, session.id],
    );
    await audit(db, {
      actor: { name, requestId },
      action: 'portal_session.redeem',
      ...about(session),
      before: { ...shown(session), redeemed_at: null },
      after: shown(session),
    });
    return session;
  });
}

/** Why each code gives no token, in the order of the hashes; null: it does. */
export async function findCodes(db: Db, hashes: string[]): Promise<(Unredeemed | null)[]> {
  const { rows } = await db.query<{ given: string; why: Unredeemed | null }>(
    `select given, case when coalesce(revoked_at, ${MAKER_REVOKED_AT}) is not null then 'revoked'
         when redeemed_at is not null then 'used' when link_expires_at <= now() then 'expired' end as why
     from unnest($1::text[]) given join portal_sessions on code_hash = decode(given, 'hex')`,
    [hashes],
  );
  const found = new Map(rows.map(({ given, why }) => [given, why]));
  return hashes.map((hash) => (found.has(hash) ? found.get(hash)! : 'unknown'));
}

const about = ({ id, tenant }: StoredPortalSession) => ({ object: id, tenant });

/** The session for the audit: URLs carry secrets. */
export const shown = (session: StoredPortalSession): StoredPortalSession => ({
  ...session,
  return_url: session.return_url && redactUrl(session.return_url),
});
