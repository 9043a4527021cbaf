import type { components } from '../api/schema';

type Stats = components['schemas']['Stats'];

const HOUR_MS = 3_600_000;

/**
 * Every hour of statistics, oldest first: its start, in milliseconds since 1970, and its bucket, which the answer leaves out
 * where nothing happened.
 */
export function everyHour<Bucket extends { starts_at: string }>({
  from,
  to,
  buckets,
}: Pick<Stats, 'from' | 'to'> & { buckets: Bucket[] }): { at: number; bucket: Bucket | undefined }[] {
  const counted = new Map(buckets.map((bucket) => [Date.parse(bucket.starts_at), bucket]));
  const hours = [];
  for (let at = Date.parse(from); at < Date.parse(to); at += HOUR_MS)
    hours.push({ at, bucket: counted.get(at) });
  return hours;
}
