import { expect, test } from 'vitest';
import { NOTHING_YET, rateOf, withTick } from '../../dashboard/src/live/live-state.js';

type Tick = Parameters<typeof withTick>[1];
const tickAt = (second: number, arrival_ms: Tick['arrival_ms'] = null): Tick => ({
  ...{ at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(), seconds: 2 },
  ...{ events: 0, deliveries: {}, attempts: {}, open: null, recent_events: [], recent_attempts: [] },
  arrival_ms,
});

test('the counts have a gap after a break, and rates are those of the time that was counted', () => {
  const broken = { ...withTick(NOTHING_YET, { ...tickAt(0), events: 4 }), status: 'reconnecting' as const };
  const again = withTick(withTick(broken, { ...tickAt(60), events: 8 }), { ...tickAt(62), events: 8 });
  expect(again.points.map(({ seconds }) => seconds)).toEqual([2, 0, 2, 2]);
  expect(rateOf(again, 'accepted')).toBeCloseTo(20 / 6);
});

test('the duration of the last arrivals is shown for a minute', () => {
  const arrived = withTick(NOTHING_YET, tickAt(0, { p50: 20, p99: 90 }));
  const soon = withTick(arrived, tickAt(58));
  expect(soon.arrival).toMatchObject({ p50: 20, p99: 90 });
  expect(withTick(soon, tickAt(60)).arrival).toBeNull();
  expect(withTick(soon, tickAt(60, { p50: 1, p99: 2 })).arrival).toMatchObject({ p50: 1, p99: 2 });
});
