import type { Batch } from '../../api/types';

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

export const rateInWords = (rate: number): string => (rate === 0 ? 'no limit' : `${rate} per second`);
