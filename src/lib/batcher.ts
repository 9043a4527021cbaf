/** Calls that come while one is under way go together into the next: one commit for all of them, and no lingering. */
export type Batcher<I, O> = (item: I) => Promise<O>;

export interface BatcherOptions<I, O> {
  /** Answers in the order of the items. */
  run(items: I[]): Promise<O[]>;
  /** Two items of one key never go together. */
  keyOf(item: I): string;
  /** Items that go together, at most, and how much they may weigh together; by default an item weighs nothing. */
  most: number;
  mostWeight?: number;
  weightOf?(item: I): number;
  /** Items beyond so many are refused with the error of `full`. */
  mostWaiting: number;
  full(): Error;
  /** Runs under way, at most. */
  atOnce: number;
  /** An error that trying the items one by one cannot mend; by default none is. */
  isFatal?(error: unknown): boolean;
}

interface Waiting<I, O> {
  item: I;
  resolve(output: O): void;
  reject(error: unknown): void;
}

/** A group that fails is tried again one by one, so that one bad item hurts only itself. */
export function createBatcher<I, O>(options: BatcherOptions<I, O>): Batcher<I, O> {
  const { run, keyOf, most, atOnce, mostWaiting, full } = options;
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
        if (queue.length > 0) start();
      });
    }
  }

  return (item) =>
    new Promise<O>((resolve, reject) => {
      if (queue.length >= mostWaiting) return reject(full());
      queue.push({ item, resolve, reject });
      if (scheduled || underWay >= atOnce) return;
      scheduled = true;
      // What arrives in the same turn goes along.
      setImmediate(start);
    });
}

/** At most `atOnce` calls of `work` at a time; the others wait their turn. */
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
