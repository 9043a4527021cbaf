import { countsOf } from './batch-state.js';
import { announceEach, iso } from './operational-events.js';

/** SQL: announces the batches of `from` that have ended, except dry runs, which deliver nothing. */
export const announceEnded = (from: string): string =>
  announceEach('batch.ended', {
    key: `b.id || '/' || ${iso('b.completed_at')}`,
    data: {
      batch_id: 'b.id',
      tenant: 'b.tenant',
      status: 'b.status',
      status_reason: 'b.status_reason',
      created_by: 'b.created_by',
      created_count: 'b.taken - b.skipped_at_turn',
      delivered_count: 'n.delivered_count',
      failed_count: 'n.failed_count',
      cancelled_count: 'n.cancelled_count',
      created_at: iso('b.created_at'),
      completed_at: iso('b.completed_at'),
    },
    from: `(select * from ${from} where completed_at is not null and not dry_run) b cross join ${countsOf('b')}`,
    tenant: 'b.id',
  });
