/** A bucket fills with `perSecond` tokens a second up to `capacity`; each request takes one. */
export interface BucketSize {
  capacity: number;
  perSecond: number;
}

export interface TokenBuckets {
  /** Takes a token; the number of tokens left, below 0 where there was none. */
  take(name: string, size: BucketSize): number;
}

/** Buckets by name, at most `max`: the one filled first is forgotten first. A new one is full. */
export function createTokenBuckets(max: number, now: () => number = () => performance.now()): TokenBuckets {
  const buckets = new Map<string, { tokens: number; at: number }>();
  function fill(name: string, { capacity, perSecond }: BucketSize) {
    const at = now();
    const bucket = buckets.get(name) ?? { tokens: capacity, at };
    bucket.tokens = Math.min(capacity, bucket.tokens + ((at - bucket.at) / 1_000) * perSecond);
    bucket.at = at;
    return bucket;
  }
  return {
    take(name, size) {
      const bucket = fill(name, size);
      if (bucket.tokens < 1) return bucket.tokens - 1;
      bucket.tokens -= 1;
      if (!buckets.has(name) && buckets.size >= max) buckets.delete(buckets.keys().next().value!);
      buckets.set(name, bucket);
      return bucket.tokens;
    },
  };
}
