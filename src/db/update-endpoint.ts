import { OPERATOR_TENANT } from '../domain/operational-event.js';
import { audit } from './audit.js';
import { endpointDisabled } from './endpoint-disabled.js';
import {
  about,
  COLUMNS,
  columnsOf,
  getEndpoint,
  shown,
  type By,
  type EndpointSettings,
  type StoredEndpoint,
} from './endpoints.js';
import { announce } from './operational-events.js';
import { notify } from './pauses.js';
import { transaction, type Db, type Pool } from './pool.js';
import { requireEndpointRoom } from './tenant-quotas.js';

export interface EndpointChanges extends Partial<EndpointSettings> {
  status?: StoredEndpoint['status'];
  sealed_settings?: Buffer | null;
}

/** An endpoint whose row is locked, with the confidential values of its settings. */
export type LockedEndpoint = StoredEndpoint & { sealed_settings: Buffer | null };

/**
 * Changes the given settings, or those that `changes` makes of the locked endpoint. The status that it has already is no
 * change: the answer to an earlier request may have been lost. The deliveries of a paused or disabled endpoint are held,
 * whatever their rows say; enabling wakes the pollers. Null: no such endpoint. 'disabled': a disabled endpoint cannot be
 * paused, which would hide that state. Throws a QuotaExceededError where an endpoint of POST /v1/send would become a
 * registered one too many.
 */
export async function updateEndpoint(
  pool: Pool,
  id: string,
  changes: EndpointChanges | ((before: LockedEndpoint) => EndpointChanges),
  by: By,
  defaultMaxEndpoints: number | null = null,
): Promise<StoredEndpoint | 'disabled' | null> {
  return transaction(pool, async (db) => {
    const locked = await db.query<LockedEndpoint>(
      `select ${COLUMNS}, sealed_settings from endpoints where id = $1 and deleted_at is null for update`,
      [id],
    );
    const before = locked.rows[0];
    if (!before) return null;
    const { status, ...settings } = typeof changes === 'function' ? changes(before) : changes;
    if (status === 'paused' && before.status === 'disabled') return 'disabled';
    const { names, values } = columnsOf(settings);
    if (names.length === 0 && isAlready(before, status)) return getEndpoint(db, id);
    const sets = [...names.map((name, i) => `${name} = $${i + 2}`), 'updated_at = now()'];
    // A changed endpoint no longer matches the POST /v1/send that created it.
    if (names.length > 0) {
      if (await isAdHoc(db, id)) await requireEndpointRoom(db, before.tenant, defaultMaxEndpoints);
      sets.push('ad_hoc_key = null');
    }
    if (status) {
      sets.push(`status = '${status}'`, `status_reason = ${status === 'enabled' ? 'null' : `'manual'`}`);
      if (status === 'enabled') sets.push('failing_since = null');
    }
    const { rows } = await db.query<StoredEndpoint>(
      `update endpoints set ${sets.join(', ')} where id = $1 returning ${COLUMNS}`,
      [id, ...values],
    );
    const after = rows[0]!;
    if (status === 'enabled') await notify(db);
    // Masks look the same before and after.
    const isResealed = settings.sealed_settings !== undefined;
    await audit(db, {
      ...by,
      ...about(after),
      before: shown(before),
      after: isResealed ? { ...shown(after), confidential_values: 'changed' } : shown(after),
    });
    const isDisabled = status === 'disabled' && before.status !== 'disabled';
    if (isDisabled && after.tenant !== OPERATOR_TENANT) await announce(db, endpointDisabled(after));
    return after;
  });
}

/** Enabling a failing endpoint, or disabling by hand one that was disabled automatically, is a change. */
const isAlready = (
  { status, status_reason, failing_since }: StoredEndpoint,
  wanted: EndpointChanges['status'],
) => status === wanted && (status === 'enabled' ? failing_since === null : status_reason === 'manual');

async function isAdHoc(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query('select from endpoints where id = $1 and ad_hoc_key is not null', [id]);
  return rowCount === 1;
}
