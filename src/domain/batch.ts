/** A replay batch: its statuses, its plan and its progress. */

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

/** States that are not final. */
export const OPEN_BATCH_STATUSES = ['PLANNING', 'RUNNING', 'PAUSED'] as const satisfies BatchStatus[];

/** New deliveries per second; 0: no limit. Below one per 100 seconds, a batch would look stalled. */
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
export type SkipReason = (typeof SKIP_REASONS)[number];

export interface BatchPlan {
  total: number;
  /** Items to deliver again; all others are skipped. */
  eligible: number;
  skipped_by_reason: Record<string, number>;
  /** The first 100 skipped items; the batch's items list all of them. A null id: the event had no delivery. */
  skipped: { delivery_id: string | null; reason: SkipReason }[];
  /** Eligible items per endpoint, largest count first, at most 100 entries. */
  by_endpoint: { endpoint_id: string; count: number }[];
  by_event_type: { event_type: string; count: number }[];
}

/** A batch's progress through its items. */
export interface BatchTurns {
  status: BatchStatus;
  status_reason: string | null;
  /** New deliveries per second; 0: no limit. */
  rate_per_second: number;
  /** Items in the plan so far. */
  planned: number;
  eligible: number;
  /** Eligible items not processed yet. */
  remaining: number;
  skipped_at_turn: number;
  /** New deliveries created. */
  created: number;
}

/** The batch's new deliveries, counted by status. */
export interface BatchOutcomes {
  delivered: number;
  failed: number;
  cancelled: number;
  held: number;
  pending: number;
  in_progress: number;
}

export type BatchProgress = BatchTurns & BatchOutcomes;

/** A batch as its workflow sees it; `Progress` is BatchTurns where outcomes were not counted. */
export interface BatchState<Progress = BatchProgress> {
  progress: Progress;
  /** Number of the last transaction that took items: a repeated step takes the same items. */
  step: number;
  /** The batch's end is recorded: nothing is left to do. */
  done: boolean;
}
