import type { LiveTick } from '../api/types';

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
  /** The newest 20 of each that came since the page was opened, newest first. */
  events: LiveEvent[];
  attempts: LiveAttempt[];
  /** Null: not told, as to those who see one tenant only. */
  open: LiveTick['open'];
  /** From the last tick in which a delivery arrived. */
  arrival: LiveTick['arrival_ms'];
}

export const NOTHING_YET: LiveState = {
  status: 'connecting',
  points: [],
  events: [],
  attempts: [],
  open: null,
  arrival: null,
};

const KEPT_MS = 10 * 60_000;
const SHOWN = 20;
/** Rates are the mean of this many ticks: single ticks of 2 s jump. */
const RATE_TICKS = 5;

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
    status: 'live',
    // After a restart of the server or the machine, its clock may be behind.
    points: [...state.points.filter((old) => old.at > at - KEPT_MS && old.at < at), point],
    events: [...tick.recent_events, ...state.events].slice(0, SHOWN),
    attempts: [...tick.recent_attempts, ...state.attempts].slice(0, SHOWN),
    open: tick.open,
    arrival: tick.arrival_ms ?? state.arrival,
  };
}

export type Measure = 'accepted' | 'delivered' | 'failed' | 'attempts';

/** Per second, of the last ticks; null: nothing was counted yet. */
export function rateOf({ points }: LiveState, measure: Measure): number | null {
  const last = points.slice(-RATE_TICKS);
  const seconds = last.reduce((sum, point) => sum + point.seconds, 0);
  return seconds === 0 ? null : last.reduce((sum, point) => sum + point[measure], 0) / seconds;
}
