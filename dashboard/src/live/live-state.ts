import type { LiveTick } from '../api/types.js';
import { newestAttempts, newestEvents } from './newest-rows.js';

export type LiveEvent = LiveTick['recent_events'][number];
export type LiveAttempt = LiveTick['recent_attempts'][number];

/** The counts of one tick; `seconds` is 0 where the counts begin, also after a break. */
export interface LivePoint {
  at: number;
  seconds: number;
  accepted: number;
  delivered: number;
  failed: number;
  attempts: number;
  byClassification: Record<string, number>;
}

export interface LiveState {
  status: 'connecting' | 'live' | 'reconnecting';
  /** The last ten minutes, oldest first. */
  points: LivePoint[];
  /** The newest 20 of each, newest first. */
  events: LiveEvent[];
  attempts: LiveAttempt[];
  /** Whether the rows from before the page was opened were asked for, and are among them if they could be read. */
  hasEarlier: boolean;
  /** Null: not told, as to those who see one tenant only. */
  open: LiveTick['open'];
  /** From the last tick in which a delivery arrived; null: none did in the last minute. */
  arrival: { at: number; p50: number; p99: number } | null;
}

export const NOTHING_YET: LiveState = {
  status: 'connecting',
  points: [],
  events: [],
  attempts: [],
  hasEarlier: false,
  open: null,
  arrival: null,
};

const NO_COUNTS = { seconds: 0, accepted: 0, delivered: 0, failed: 0, attempts: 0, byClassification: {} };
const KEPT_MS = 10 * 60_000;
const ARRIVAL_KEPT_MS = 60_000;
/** Rates are the mean of this many ticks: single ticks of 2 s jump. */
const RATE_TICKS = 5;

export type Newest = Pick<LiveState, 'events' | 'attempts'>;

/** With rows of a tick or of the API, which may be there already. */
export const withNewest = (state: LiveState, { events, attempts }: Newest): LiveState => ({
  ...state,
  events: newestEvents([...events, ...state.events]),
  attempts: newestAttempts([...attempts, ...state.attempts]),
});

export function withTick(state: LiveState, tick: LiveTick): LiveState {
  const at = Date.parse(tick.at);
  const point: LivePoint = {
    at,
    seconds: tick.seconds,
    accepted: tick.events,
    delivered: tick.deliveries.DELIVERED ?? 0,
    failed: tick.deliveries.FAILED ?? 0,
    attempts: Object.values(tick.attempts).reduce((sum, n) => sum + n, 0),
    byClassification: tick.attempts,
  };
  return {
    ...withNewest(state, { events: tick.recent_events, attempts: tick.recent_attempts }),
    status: 'live',
    points: [
      // After a restart of the server or the machine, its clock may be behind.
      ...state.points.filter((old) => old.at > at - KEPT_MS && old.at < at - 1),
      // Nothing is known of the time without a connection.
      ...(state.status === 'reconnecting' ? [{ ...NO_COUNTS, at: at - 1 }] : []),
      point,
    ],
    open: tick.open,
    arrival: tick.arrival_ms ? { at, ...tick.arrival_ms } : keptArrival(state, at),
  };
}

const keptArrival = ({ arrival }: LiveState, now: number) =>
  arrival !== null && arrival.at > now - ARRIVAL_KEPT_MS ? arrival : null;

export type Measure = 'accepted' | 'delivered' | 'failed' | 'attempts';

/** Per second, of the last ticks; null: nothing was counted yet. */
export function rateOf({ points }: LiveState, measure: Measure): number | null {
  const last = points.slice(-RATE_TICKS);
  const seconds = last.reduce((sum, point) => sum + point.seconds, 0);
  return seconds === 0 ? null : last.reduce((sum, point) => sum + point[measure], 0) / seconds;
}
