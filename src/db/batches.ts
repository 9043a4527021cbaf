import { OPEN_BATCH_STATUSES, type BatchStatus } from '../domain/batch.js';
import { audit, type Actor } from './audit.js';
import { getBatch, type Selection, type StoredBatch } from './batch-state.js';
import { transaction, type Db, type Pool } from './pool.js';
import { tenantOf } from './tenant-of.js';

export interface NewBatch {
  selection: Selection;
  deliveryIds: string[] | null;
  dryRun: boolean;
  ratePerSecond: number;
  note: string | null;
  /** The tenant of the key that makes it, whose deliveries alone it may hold; null: a key above tenants. */
  keyTenant: string | null;
}

/** Runs in the caller's transaction. */
export async function insertBatch(db: Db, batch: NewBatch, actor: Actor): Promise<StoredBatch> {
  const { selection, deliveryIds, dryRun, ratePerSecond, note, keyTenant } = batch;
  const tenant = keyTenant ?? (await tenantOfBatch(db, selection));
  const id = await insert(db, [
    ...[dryRun, null, JSON.stringify(selection), deliveryIds, ratePerSecond],
    ...[note, actor.name, tenant, keyTenant],
  ]);
  const action = dryRun ? 'batch.plan' : 'batch.create';
  const after = { ...selection, rate_per_second: ratePerSecond };
  await audit(db, { actor, action, object: id, tenant, reason: note, after });
  return (await getBatch(db, id))!;
}

/** Postgres's clock makes the id, as it makes the deliveries' ids: a batch's deliveries sort after the batch. */
async function insert(db: Db, values: unknown[]): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into batches (id, dry_run, source_batch_id, selection, delivery_ids, rate_per_second, note, created_by,
       tenant, key_tenant)
     values (new_id('bat', now()), $1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
    values,
  );
  return rows[0]!.id;
}

/**
 * Creates a batch from a dry run's plan, or from the rest of a cancelled or failed batch; later calls return the same
 * batch. 'forbidden': the source is none of these, has not ended, or has no plan. Runs in the caller's transaction.
 */
export async function startFrom(
  db: Db,
  id: string,
  over: { ratePerSecond?: number | undefined; note: string | null },
  actor: Actor,
): Promise<{ batch: StoredBatch; created: boolean } | 'forbidden' | null> {
  const locked = await db.query<{ key_tenant: string | null }>(
    'select key_tenant from batches where id = $1 for update',
    [id],
  );
  const source = await getBatch(db, id);
  if (!source) return null;
  const { rows: known } = await db.query<{ id: string }>(
    'select id from batches where source_batch_id = $1',
    [id],
  );
  if (known[0]) return { batch: (await getBatch(db, known[0].id))!, created: false };
  if (!['DRY_RUN', 'CANCELLED', 'FAILED'].includes(source.status) || !source.completed_at || !source.plan) {
    return 'forbidden';
  }
  const selection = { batch_id: id, include_delivered: source.selection.include_delivered };
  const rate = over.ratePerSecond ?? source.rate_per_second;
  const keyTenant = locked.rows[0]!.key_tenant;
  const tenant = keyTenant ?? (await tenantOfBatch(db, selection));
  const made = await insert(db, [
    ...[false, id, JSON.stringify(selection), null, rate],
    ...[over.note, actor.name, tenant, keyTenant],
  ]);
  const action = source.status === 'DRY_RUN' ? 'batch.start' : 'batch.continue';
  const after = { ...selection, rate_per_second: rate };
  await audit(db, { actor, action, object: made, tenant, reason: over.note, after });
  return { batch: (await getBatch(db, made))!, created: true };
}

/** The tenant whose deliveries a batch selects; null: those of any. */
async function tenantOfBatch(db: Db, selection: Selection): Promise<string | null> {
  if ('delivery_id_count' in selection) return selection.tenant;
  if ('missing' in selection) return tenantOf(db, selection.missing);
  const named = 'filter' in selection ? await tenantOf(db, selection.filter) : null;
  if (named !== null) return named;
  const batchId = 'filter' in selection ? selection.filter.batch_id : selection.batch_id;
  const { rows } = await db.query<{ tenant: string | null }>('select tenant from batches where id = $1', [
    batchId,
  ]);
  return rows[0]?.tenant ?? null;
}

export type BatchChange =
  | { kind: 'pause' | 'resume' }
  /** `running`: also cancel the deliveries already started. */
  | { kind: 'cancel'; running?: boolean }
  | { kind: 'rate'; ratePerSecond: number }
  | { kind: 'fail' };

const FROM_STATUSES: Record<BatchChange['kind'], readonly BatchStatus[]> = {
  pause: ['RUNNING'],
  resume: ['PAUSED'],
  cancel: OPEN_BATCH_STATUSES,
  rate: OPEN_BATCH_STATUSES,
  fail: OPEN_BATCH_STATUSES,
};
const TO_STATUS = { pause: 'PAUSED', resume: 'RUNNING', cancel: 'CANCELLED', fail: 'FAILED' } as const;

/**
 * Once the change commits, no item is taken that it forbids. 'unchanged': the batch already has that status;
 * 'forbidden': its status does not allow the change.
 */
export async function changeBatch(
  pool: Pool,
  id: string,
  change: BatchChange,
  { actor, reason }: { actor: Actor; reason: string | null },
): Promise<'changed' | 'unchanged' | 'forbidden' | null> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<{
      status: BatchStatus;
      rate_per_second: number;
      cancel_running: boolean;
      tenant: string | null;
    }>('select status, rate_per_second, cancel_running, tenant from batches where id = $1 for update', [id]);
    if (!rows[0]) return null;
    const { tenant, ...before } = rows[0];
    const running = change.kind === 'cancel' && change.running === true;
    // A second cancel may add the deliveries that the first left running.
    const more = before.status === 'CANCELLED' && running && !before.cancel_running;
    if (!FROM_STATUSES[change.kind].includes(before.status) && !more) {
      return change.kind !== 'rate' && before.status === TO_STATUS[change.kind] ? 'unchanged' : 'forbidden';
    }
    const after = {
      status: change.kind === 'rate' ? before.status : TO_STATUS[change.kind],
      rate_per_second: change.kind === 'rate' ? change.ratePerSecond : before.rate_per_second,
      cancel_running: before.cancel_running || running,
    };
    await db.query(
      `update batches set status = $2, status_reason = case when $2 = status then status_reason else $3 end,
         rate_per_second = $4, cancel_running = $5,
         -- A cancelled batch ends after the deliveries that are cancelled now.
         completed_at = case when $2 = 'CANCELLED' then null else completed_at end,
         due_at = now() + case when $2 = 'PAUSED' then interval '5 minutes' else interval '15 seconds' end
       where id = $1`,
      [id, after.status, reason, after.rate_per_second, after.cancel_running],
    );
    const about = { action: `batch.${change.kind}`, object: id, tenant };
    await audit(db, { actor, ...about, reason, before, after });
    return 'changed';
  });
}
