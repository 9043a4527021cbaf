import type { components } from '../../api/schema';
import { everyHour } from '../../lib/hours';

export interface Hour {
  startsAt: string;
  events: number;
  delivered: number;
  failed: number;
}

/** Events and ended deliveries by hour. */
export const hoursOf = (stats: components['schemas']['Stats']): Hour[] =>
  everyHour(stats).map(({ at, bucket }) => ({
    startsAt: new Date(at).toISOString(),
    events: bucket?.events ?? 0,
    delivered: bucket?.deliveries.DELIVERED ?? 0,
    failed: bucket?.deliveries.FAILED ?? 0,
  }));
