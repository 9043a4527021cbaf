import type { components } from '../../api/schema';
import { everyHour } from '../../lib/hours';

export interface Hour {
  /** Its start, in milliseconds since 1970. */
  at: number;
  delivered: number;
  failed: number;
}

/** Attempts by hour. */
export const attemptsByHour = (
  stats: Pick<components['schemas']['Stats'], 'from' | 'to' | 'buckets'>,
): Hour[] =>
  everyHour(stats).map(({ at, bucket }) => {
    const attempts = Object.entries(bucket?.attempts ?? {});
    const delivered = attempts.find(([name]) => name === 'DELIVERED')?.[1] ?? 0;
    return { at, delivered, failed: attempts.reduce((sum, [, value]) => sum + value, 0) - delivered };
  });
