/** Many deliveries made again as one: what is asked for, what the plan came to, how far it has come. */

export const BATCH_STATUSES = [
  'PLANNING',
  'DRY_RUN',
  'RUNNING',
  'PAUSED',
  'COMPLETED',
  'CANCELLED',
  'FAILED',
] as const;
export type BatchStatus = (typeof BATCH_STATUSES)[number];

/** States a batch can still leave. */
export const OPEN_BATCH_STATUSES = ['PLANNING', 'RUNNING', 'PAUSED'] as const satisfies BatchStatus[];

/** New deliveries a second; 0: no limit. Slower than one in 100 seconds, a batch would look as if it stood still. */
const RATE = { least: 0.01, most: 10_000 };
export const isRate = (given: unknown) =>
  typeof given === 'number' && (given === 0 || (given >= RATE.least && given <= RATE.most));

export const ITEM_STATUSES = ['PLANNED', 'SKIPPED', 'CREATED'] as const;

export const SKIP_REASONS = [
  'not_found',
  'foreign_tenant',
  'duplicate_id',
  'duplicate',
  'payload_expired',
  'endpoint_deleted',
  'endpoint_disabled',
  'in_progress',
  'delivered',
  'already_replayed',
] as const;

export interface BatchPlan {
  total: number;
  /** What is to be delivered again; the others are skipped. */
  eligible: number;
  skipped_by_reason: Record<string, number>;
  /** The first hundred; the batch's items tell of all. */
  skipped: { delivery_id: string; reason: string }[];
  /** Eligible ones, most first, at most a hundred. */
  by_endpoint: { endpoint_id: string; count: number }[];
  by_event_type: { event_type: string; count: number }[];
}

/** How far a batch has come with its items. */
export interface BatchTurns {
  status: BatchStatus;
  status_reason: string | null;
  /** New deliveries per second; 0: as fast as they go. */
  rate_per_second: number;
  /** Items in the plan so far. */
  planned: number;
  eligible: number;
  /** Eligible items whose turn has not come. */
  remaining: number;
  skipped_at_turn: number;
  /** New deliveries. */
  created: number;
}

/** What became of its new deliveries. */
export interface BatchOutcomes {
  delivered: number;
  failed: number;
  cancelled: number;
  held: number;
  pending: number;
  in_progress: number;
}

export type BatchProgress = BatchTurns & BatchOutcomes;

/** A batch as its workflow knows it; without outcomes where they were not counted. */
export interface BatchState<Progress = BatchProgress> {
  progress: Progress;
  /** Numbers the transactions that take items: one that is repeated takes the same. */
  step: number;
  /** Its end is recorded: nothing is left to do. */
  done: boolean;
}
