import { audit, type Actor } from './audit.js';
import { announce } from './operational-events.js';
import { transaction, type Db, type Pool } from './pool.js';

/** Channel that tells every process that a pause began or ended, or that deliveries may be due. */
export const CONTROL_CHANNEL = 'surehook_control';

/** Channels that tell every process the id of a changed endpoint, or of a tenant whose rate changed; triggers send them. */
export const ENDPOINT_CHANNEL = 'surehook_endpoint';
export const TENANT_CHANNEL = 'surehook_tenant';

/** Prefix of the reason for deliveries held because of the file PAUSE, which other processes may not see. */
export const FILE_PAUSE = 'everything paused by a file: ';

export type Scope = 'all' | `tenant:${string}`;

const tenantIn = (scope: Scope) => (scope === 'all' ? null : scope.slice('tenant:'.length));

/** The author of a pause; `tenant`: the one that the actor is bound to. */
export interface PausedBy {
  actor: Actor;
  tenant: string | null;
}

export interface Pause {
  scope: Scope;
  reason: string;
  paused_by: string;
  paused_at: Date;
}

/** Columns for the audit. */
const PAUSE = 'reason, paused_by, paused_at';

export async function listPauses(db: Db): Promise<Pause[]> {
  const { rows } = await db.query<Pause>(`select scope, ${PAUSE} from control order by scope`);
  return rows;
}

/**
 * Pausing again replaces reason, actor and time; the audit keeps the previous ones. The same pause again changes nothing: the
 * answer to an earlier request may have been lost. Returns all pauses; 'above': an actor that is bound to the tenant cannot
 * replace the pause of one that is not.
 */
export async function pause(
  pool: Pool,
  scope: Scope,
  reason: string,
  { actor, tenant }: PausedBy,
): Promise<Pause[] | 'above'> {
  return transaction(pool, async (db) => {
    const before = await db.query(`select ${PAUSE} from control where scope = $1 for update`, [scope]);
    const after = await db.query<Omit<Pause, 'scope'>>(
      `insert into control as c (scope, reason, paused_by, by_tenant) values ($1, $2, $3, $4)
       on conflict (scope) do update set reason = excluded.reason, paused_by = excluded.paused_by, paused_at = now(),
         by_tenant = excluded.by_tenant
         where (c.by_tenant or not excluded.by_tenant)
           and (c.reason, c.paused_by, c.by_tenant) is distinct from (excluded.reason, excluded.paused_by, excluded.by_tenant)
       returning ${PAUSE}`,
      [scope, reason, actor.name, tenant !== null],
    );
    if (!after.rows[0]) return tenant !== null && (await isPausedAbove(db, scope)) ? 'above' : listPauses(db);
    await audit(db, {
      ...{ actor, action: 'control.pause', object: scope, tenant: tenantIn(scope), reason },
      ...{ before: before.rows[0], after: after.rows[0] },
    });
    const { paused_at, ...about } = after.rows[0];
    const at = paused_at.toISOString();
    await announce(db, {
      type: 'control.paused',
      key: `${scope}/${at}`,
      data: { scope: scope === 'all' ? 'all' : 'tenant', tenant: tenantIn(scope), ...about, paused_at: at },
    });
    await notify(db);
    return listPauses(db);
  });
}

/** Returns the remaining pauses; null if the scope was not paused; 'above' as for `pause`. */
export async function resume(
  pool: Pool,
  scope: Scope,
  reason: string | null,
  { actor, tenant }: PausedBy,
): Promise<Pause[] | 'above' | null> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query(
      `delete from control where scope = $1 and (by_tenant or $2) returning ${PAUSE}`,
      [scope, tenant === null],
    );
    if (!rows[0]) return (await isPausedAbove(db, scope)) ? 'above' : null;
    await audit(db, {
      ...{ actor, action: 'control.resume', object: scope, tenant: tenantIn(scope), reason },
      before: rows[0],
    });
    await notify(db);
    return listPauses(db);
  });
}

async function isPausedAbove(db: Db, scope: Scope): Promise<boolean> {
  const { rowCount } = await db.query('select from control where scope = $1 and not by_tenant', [scope]);
  return rowCount === 1;
}

/** Sent when the caller's transaction commits. */
export async function notify(db: Db): Promise<void> {
  await db.query(`notify ${CONTROL_CHANNEL}`);
}
