import { createBatcher, type Batcher } from '../lib/batcher.js';
import { isDatabaseAway, overloaded } from './pool.js';

/** Reads of keys that are asked for at once share a statement. Few run at a time, and leave connections to others. */
export const batchReads = <T>(
  /** In the order of the keys. */
  load: (keys: string[]) => Promise<T[]>,
  mostWaiting: number,
): Batcher<string, T> =>
  createBatcher<string, T>({
    ...{ most: 500, atOnce: 2, mostWaiting, full: overloaded },
    keyOf: (key) => key,
    isFatal: isDatabaseAway,
    run: load,
  });
