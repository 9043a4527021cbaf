import { isHeld } from './derived-status.js';
import type { Db } from './pool.js';

export interface OpenCounts {
  byStatus: Record<'PENDING' | 'IN_PROGRESS' | 'HELD', number>;
  /** Deliveries that should have moved by now; `oldestSeconds` is how long the longest of them has been due. */
  overdue: number;
  oldestSeconds: number;
  workflowStartsWaiting: number;
}

/** A ready delivery that has been due for longer counts as overdue, unless it is held. */
const OVERDUE = `interval '10 seconds'`;

/** For the metrics. Reads every open delivery once. */
export async function countOpen(db: Db): Promise<OpenCounts> {
  const { rows } = await db.query<{
    pending: number;
    in_progress: number;
    held: number;
    overdue: number;
    oldest: number;
    starts: number;
  }>(`
    select count(*) filter (where not held and attempt_count = 0)::int as pending,
      count(*) filter (where not held and attempt_count > 0)::int as in_progress,
      count(*) filter (where held)::int as held,
      count(overdue_since)::int as overdue,
      coalesce(extract(epoch from now() - min(overdue_since)), 0)::float8 as oldest,
      (select count(*)::int from workflow_starts) as starts
    from (select attempt_count, held,
        case when claimed_by is not null and claim_until <= now() then claim_until
          when claimed_by is null and not held and run_at <= now() - ${OVERDUE} then run_at end as overdue_since
      from (select claimed_by, claim_until, run_at, attempt_count, ${isHeld('o')} as held
        from open_deliveries o offset 0) derived) each`);
  const { pending, in_progress, held, overdue, oldest, starts } = rows[0]!;
  return {
    byStatus: { PENDING: pending, IN_PROGRESS: in_progress, HELD: held },
    overdue,
    oldestSeconds: oldest,
    workflowStartsWaiting: starts,
  };
}
