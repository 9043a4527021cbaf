import type { components } from '../../api/schema';

type Stats = components['schemas']['Stats'];
const HOUR = 3_600_000;

export interface Hour {
  /** Its start, in milliseconds since 1970. */
  at: number;
  delivered: number;
  failed: number;
}

/** Attempts by hour, with the hours that the API leaves out because nothing happened. */
export function hoursOf({ from, to, buckets }: Pick<Stats, 'from' | 'to' | 'buckets'>): Hour[] {
  const known = new Map(buckets.map(({ starts_at, attempts }) => [new Date(starts_at).getTime(), attempts]));
  const hours: Hour[] = [];
  for (let at = new Date(from).getTime(); at < new Date(to).getTime(); at += HOUR) {
    const attempts = Object.entries(known.get(at) ?? {});
    const delivered = attempts.find(([name]) => name === 'DELIVERED')?.[1] ?? 0;
    hours.push({ at, delivered, failed: attempts.reduce((sum, [, value]) => sum + value, 0) - delivered });
  }
  return hours;
}
