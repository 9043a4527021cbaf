import type { components } from '../../api/schema';

export interface Hour {
  startsAt: string;
  events: number;
  delivered: number;
  failed: number;
}

const HOUR_MS = 3_600_000;

/** Every hour of the statistics, oldest first; the answer leaves out those without a count. */
export function hoursOf({ from, to, buckets }: components['schemas']['Stats']): Hour[] {
  const counted = new Map(buckets.map((bucket) => [Date.parse(bucket.starts_at), bucket]));
  const hours: Hour[] = [];
  for (let at = Date.parse(from); at < Date.parse(to); at += HOUR_MS) {
    const bucket = counted.get(at);
    hours.push({
      startsAt: new Date(at).toISOString(),
      events: bucket?.events ?? 0,
      delivered: bucket?.deliveries.DELIVERED ?? 0,
      failed: bucket?.deliveries.FAILED ?? 0,
    });
  }
  return hours;
}
