import type { KillSwitch } from './kill-switch.js';

export interface KeptReads<T> {
  get(key: string): T | Promise<T>;
  /** Null: all. */
  forget(key: string | null): void;
  /** Looks at all values. */
  forgetWhere(isOne: (value: T) => boolean): void;
}

/**
 * Keeps what was read, but null, until it is forgotten; one read for all who ask meanwhile. While changes may go
 * unnoticed, it is read again each time; `mayBeStale`: in the background, and the kept value is used until then.
 */
export function keepReads<T>(
  { current }: Pick<KillSwitch, 'current'>,
  read: (key: string) => Promise<T>,
  /** Above it, the value that is kept longest is forgotten. */
  most: number,
  { mayBeStale = false, lifetimeMs = Infinity } = {},
): KeptReads<T> {
  const known = new Map<string, { value: T; until: number }>();
  const reading = new Map<string, Promise<T>>();

  function begin(key: string): Promise<T> {
    const isCurrent = current();
    const under = read(key)
      .then((value) => {
        if (reading.get(key) !== under) return value;
        if (value === null) known.delete(key);
        else if (isCurrent || mayBeStale)
          keepLast(known, key, { value, until: performance.now() + lifetimeMs }, most);
        return value;
      })
      .finally(() => {
        if (reading.get(key) === under) reading.delete(key);
      });
    reading.set(key, under);
    return under;
  }

  return {
    get(key) {
      const kept = current() || mayBeStale ? known.get(key) : undefined;
      if (kept === undefined || kept.until <= performance.now()) return reading.get(key) ?? begin(key);
      if (!current() && !reading.has(key)) begin(key).catch(() => {});
      return kept.value;
    },
    forget(key) {
      // Drop reads in flight too: they may predate the change.
      for (const values of [known, reading]) {
        if (key === null) values.clear();
        else values.delete(key);
      }
    },
    forgetWhere(isOne) {
      reading.clear();
      for (const [key, { value }] of known) if (isOne(value)) known.delete(key);
    },
  };
}

/** Keeps at most so many values: those that were set last. */
export function keepLast<T>(kept: Map<string, T>, key: string, value: T, most: number): void {
  kept.delete(key);
  if (kept.size >= most) kept.delete(kept.keys().next().value!);
  kept.set(key, value);
}
