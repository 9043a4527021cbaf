/** Batches the calls that arrive while a run is under way into the next run: one commit for all. */
export type Batcher<I, O> = (item: I) => Promise<O>;

export interface BatcherOptions<I, O> {
  /** Returns the outputs in the order of the items. */
  run(items: I[]): Promise<O[]>;
  /** Two items with the same key are never in the same batch. */
  keyOf(item: I): string;
  /** Maximum items per batch. A batch that has reached `mostWeight` is full; by default, an item weighs nothing. */
  most: number;
  mostWeight?: number;
  weightOf?(item: I): number;
  /** Maximum queued items; more are rejected with the error of `full`. */
  mostWaiting: number;
  full(): Error;
  /** Maximum concurrent runs. */
  atOnce: number;
  /** How long the first item of a batch waits for others while nothing is under way; by default, not at all. */
  lingerMs?: number;
  /** True for an error that retrying the items one by one cannot fix; by default, none is. */
  isFatal?(error: unknown): boolean;
}

interface Waiting<I, O> {
  item: I;
  resolve(output: O): void;
  reject(error: unknown): void;
}

/** A failed batch is retried item by item, so that one bad item fails alone. */
export function createBatcher<I, O>(options: BatcherOptions<I, O>): Batcher<I, O> {
  const { run, keyOf, most, atOnce, mostWaiting, full, lingerMs = 0 } = options;
  const { mostWeight = Infinity, weightOf = () => 0, isFatal = () => false } = options;
  let queue: Waiting<I, O>[] = [];
  let underWay = 0;
  let scheduled = false;

  function next(): Waiting<I, O>[] {
    const keys = new Set<string>();
    const together: Waiting<I, O>[] = [];
    const later: Waiting<I, O>[] = [];
    let weight = 0;
    let at = 0;
    for (; at < queue.length && together.length < most && weight < mostWeight; at++) {
      const waiting = queue[at]!;
      const key = keyOf(waiting.item);
      if (keys.has(key)) {
        later.push(waiting);
        continue;
      }
      keys.add(key);
      together.push(waiting);
      weight += weightOf(waiting.item);
    }
    queue = later.length > 0 ? later.concat(queue.slice(at)) : queue.slice(at);
    return together;
  }

  async function flush(together: Waiting<I, O>[]): Promise<void> {
    try {
      const outputs = await run(together.map(({ item }) => item));
      together.forEach(({ resolve }, i) => resolve(outputs[i]!));
    } catch (error) {
      if (together.length === 1 || isFatal(error)) return together.forEach(({ reject }) => reject(error));
      for (const one of together) await flush([one]);
    }
  }

  function start(): void {
    scheduled = false;
    while (queue.length > 0 && underWay < atOnce) {
      underWay += 1;
      void flush(next()).then(() => {
        underWay -= 1;
        // Items that came meanwhile linger, too, unless no batch was scheduled for them.
        if (queue.length > 0 && (!scheduled || queue.length >= most)) start();
      });
    }
  }

  return (item) =>
    new Promise<O>((resolve, reject) => {
      if (queue.length >= mostWaiting) return reject(full());
      queue.push({ item, resolve, reject });
      if (scheduled || underWay >= atOnce) return;
      scheduled = true;
      // Items that arrive in the same turn of the event loop join the batch, too.
      if (lingerMs > 0) setTimeout(start, lingerMs);
      else setImmediate(start);
    });
}

/** Runs at most `atOnce` calls of `work` at a time; further calls wait. */
export const withConcurrencyLimit = <I, O>(
  work: (item: I) => Promise<O>,
  options: Pick<BatcherOptions<I, O>, 'atOnce' | 'mostWaiting' | 'full'>,
): Batcher<I, O> =>
  createBatcher<I, O>({
    ...options,
    most: 1,
    keyOf: () => '',
    run: ([item]) => Promise.all([work(item as I)]),
  });
