import type { Batch } from '../../api/types';

export type SkipReason = NonNullable<Batch['plan']>['skipped'][number]['reason'];

export const BATCH_WORDS: Record<Batch['status'], { label: string; color: string; means: string }> = {
  PLANNING: { label: 'Planning', color: 'blue', means: 'Its deliveries are being looked up.' },
  DRY_RUN: { label: 'Dry run', color: 'grape', means: 'Only planned: nothing was sent.' },
  RUNNING: { label: 'Running', color: 'blue', means: 'Its deliveries are made, at its rate.' },
  PAUSED: { label: 'Paused', color: 'grape', means: 'No further delivery starts until it is resumed.' },
  COMPLETED: { label: 'Completed', color: 'teal', means: 'All of its deliveries have ended.' },
  CANCELLED: { label: 'Cancelled', color: 'gray', means: 'It was ended early; the rest can be started.' },
  FAILED: {
    label: 'Broken off',
    color: 'red',
    means: 'A fault of Surehook ended it; the rest can be started.',
  },
};
export const BATCH_STATUSES = Object.keys(BATCH_WORDS) as [Batch['status'], ...Batch['status'][]];

/** Why an item is not delivered again, and what to do where something can be done. */
export const SKIP_WORDS: Record<SkipReason, string> = {
  in_progress: 'has not ended: retry or cancel it instead',
  delivered: 'was delivered: include delivered ones to send it again',
  already_replayed: 'has a later delivery of the same event to the same endpoint: choose that one',
  endpoint_disabled: 'goes to a disabled endpoint: enable it first',
  endpoint_deleted: 'goes to an endpoint that was deleted',
  payload_expired: 'belongs to an event that is no longer kept',
  duplicate_id: 'was given twice',
  duplicate: 'is the same event to the same endpoint as an earlier item',
  not_found: 'does not exist',
  foreign_tenant: 'belongs to another tenant',
};

export const rateInWords = (rate: number): string => (rate === 0 ? 'no limit' : `${rate} per second`);
