import { createBatcher, type Batcher } from '../lib/batcher.js';
import { isDatabaseAway, overloaded } from './pool.js';

/**
 * Reads of keys that are asked for at once share a statement. Few run at a time, and leave connections to others. Those who
 * ask for the same key share its place in the queue, until its statement begins: a later one may find something else.
 */
export function batchReads<T>(
  /** In the order of the keys. */
  load: (keys: string[]) => Promise<T[]>,
  mostWaiting: number,
): Batcher<string, T> {
  const queued = new Map<string, Promise<T>>();
  const read = createBatcher<string, T>({
    ...{ most: 500, atOnce: 2, mostWaiting, full: overloaded },
    keyOf: (key) => key,
    isFatal: isDatabaseAway,
    run(keys) {
      for (const key of keys) queued.delete(key);
      return load(keys);
    },
  });

  function enqueue(key: string): Promise<T> {
    const reading = read(key);
    queued.set(key, reading);
    // Without a place in the queue, nothing else removes it.
    reading.catch(() => queued.get(key) === reading && queued.delete(key));
    return reading;
  }
  return (key) => queued.get(key) ?? enqueue(key);
}
