import { newId } from '../lib/ids.js';
import { acceptEvents } from './open-deliveries/index.js';
import { transaction, type Pool } from './pool.js';

/** Statement timeout of the trial: a slower server counts as not accepting. */
const TRIAL_MS = 1_900;

/**
 * Writes 1 MiB to a temporary table, which the commit truncates and which writes no WAL: a small row fits into an
 * existing page and does not detect a full disk. A role that may not create temporary tables skips this check.
 */
const TAKE_ROOM = `
  set local statement_timeout = ${TRIAL_MS};
  set local temp_tablespaces = '';
  do $$ begin
    create temp table if not exists surehook_room (filling text) on commit delete rows;
    insert into pg_temp.surehook_room select repeat('x', 1900) from generate_series(1, 512);
  exception when insufficient_privilege then null;
  end $$;
  savepoint trial`;

/**
 * Rejects if no event can be accepted now: stores an event with the real statement, rolls it back to a savepoint, and
 * commits, which waits for the disk and the replicas as the commit of an event does.
 */
export async function tryAccept(pool: Pool): Promise<void> {
  const id = newId('evt');
  const event = {
    id,
    // A new tenant: no other transaction waits for this one, and no endpoint matches.
    tenant: id,
    type: 'surehook.readiness',
    payload: 'null',
    idempotencyKey: id,
    requestHash: '00',
    workflowId: id,
    maxAttempts: 1,
    createdAt: new Date(),
    endpointIds: null,
  };
  await transaction(pool, async (db) => {
    await db.query(TAKE_ROOM);
    await acceptEvents(db, [event], { claimedBy: null, workflow: 'none' });
    await db.query('rollback to savepoint trial');
  });
}
