import { newId } from '../lib/ids.js';
import { acceptEvents } from './events.js';
import { transaction, type Pool } from './pool.js';

/** A server that takes longer counts as one that does not accept. */
const TRIAL_MS = 1_900;

/**
 * 1 MiB of a temporary table, which the commit cuts off again and no WAL tells of: a small row fits into a page that is
 * there already, and says nothing about a disk that is full. A role that may make no temporary table goes without.
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
 * Rejects where no event can be accepted now: stores one by the statement that stores all, takes it back, and commits,
 * which waits for the disk, and for the replicas, as the commit of an event does.
 */
export async function tryAccept(pool: Pool): Promise<void> {
  const id = newId('evt');
  const event = {
    id,
    // A tenant of its own: nobody has to wait for the end of this transaction, and no endpoint matches.
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
    await acceptEvents(db, [event], { lane: 'any', dueInMs: 0, heldLane: 'any' });
    await db.query('rollback to savepoint trial');
  });
}
