import { afterAll, beforeAll, expect, it } from 'vitest';
import type { z } from 'zod';
import type { liveTick } from '../../src/http/answers/stats.js';
import { createKey } from '../support/api-keys.js';
import { eventsOf } from '../support/event-stream.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

type Tick = z.input<typeof liveTick>;

let t: TestService;
let receiver: Receiver;
beforeAll(async () => {
  t = await startTestService({ workflows: 'none' });
  receiver = await startReceiver({ behave: ({ path }) => ({ status: path.endsWith('/bad') ? 500 : 200 }) });
  await createEndpoint(t, `${receiver.url}/good`, { tenant: 'a' });
  await createEndpoint(t, `${receiver.url}/bad`, { tenant: 'b' });
});
afterAll(() => Promise.all([t.stop(), receiver.close()]));

const open = (key = ADMIN_KEY, at = t) =>
  fetch(`${at.service.url}/v1/live`, { headers: { authorization: `Bearer ${key}` } });

/** Reads ticks until their sums are enough, after the first has come. */
async function watch(key: string, act: () => Promise<unknown>, isEnough: (ticks: Tick[]) => boolean) {
  const ticks: Tick[] = [];
  for await (const { event, data } of eventsOf(await open(key))) {
    expect(event).toBe('tick');
    ticks.push(JSON.parse(data) as Tick);
    if (ticks.length === 1) await act();
    if (isEnough(ticks)) break;
  }
  return ticks;
}
const sum = (ticks: Tick[], of: (tick: Tick) => number | undefined) =>
  ticks.reduce((all, tick) => all + (of(tick) ?? 0), 0);
const delivered = (ticks: Tick[]) => sum(ticks, ({ deliveries }) => deliveries.DELIVERED);
const tenantsIn = (ticks: Tick[]) =>
  new Set(
    ticks.flatMap((tick) => [...tick.recent_events, ...tick.recent_attempts].map(({ tenant }) => tenant)),
  );

/** Five events of `a` that are delivered, and one of `b` that is not. */
async function post(): Promise<void> {
  const posted = await Promise.all([1, 2, 3, 4, 5].map(() => postEvent(t, { tenant: 'a' })));
  await postEvent(t, { tenant: 'b' });
  await Promise.all(posted.flatMap(({ deliveries }) => deliveries.map(({ id }) => deliveryIn(t, id))));
}

it('tells each viewer what happens, once, with the newest events and attempts', async () => {
  const isEnough = (ticks: Tick[]) =>
    delivered(ticks) >= 5 && sum(ticks, ({ attempts }) => attempts.HTTP_5XX_RETRYABLE) >= 1;
  let viewers = 0;
  // Once both see what happens.
  const act = async () => {
    viewers += 1;
    if (viewers === 2) await post();
  };
  const [one, two] = await Promise.all([watch(ADMIN_KEY, act, isEnough), watch(ADMIN_KEY, act, isEnough)]);
  for (const ticks of [one, two]) {
    expect(sum(ticks, ({ events }) => events)).toBe(6);
    expect(delivered(ticks)).toBe(5);
    expect(sum(ticks, ({ attempts }) => attempts.DELIVERED)).toBe(5);
    expect(ticks.find(({ arrival_ms }) => arrival_ms)!.arrival_ms!.p99).toBeGreaterThan(0);
    const attempts = ticks.flatMap(({ recent_attempts }) => recent_attempts);
    expect(attempts.filter(({ tenant }) => tenant === 'a')).toHaveLength(5);
    expect(ticks.at(-1)!.open).toMatchObject({ HELD: 0 });
    expect(ticks.slice(1).every(({ seconds }) => seconds > 0)).toBe(true);
  }
});

it('tells a key that is bound to a tenant of that tenant only', async () => {
  const { key } = await createKey(t, 'viewer', 'a');
  const ticks = await watch(key, post, (all) => delivered(all) >= 5);
  expect(sum(ticks, ({ events }) => events)).toBe(5);
  expect([...tenantsIn(ticks)]).toEqual(['a']);
  expect(ticks.every(({ open: counts }) => counts === null)).toBe(true);
});

it('ends the stream of a key that is revoked', async () => {
  const { id, key } = await createKey(t, 'viewer');
  let ticks = 0;
  for await (const { event } of eventsOf(await open(key))) {
    expect(event).toBe('tick');
    ticks += 1;
    if (ticks === 1) await t.call('POST', `/v1/api-keys/${id}/revoke`, {});
    expect(ticks).toBeLessThan(5);
  }
  expect(ticks).toBeGreaterThan(0);
  expect((await open(key)).status).toBe(401);
});

it('ends with its process, which does not wait for it', async () => {
  const second = await startTestService({ databaseUrl: t.databaseUrl, workflows: 'none' });
  const stream = eventsOf(await open(ADMIN_KEY, second));
  await stream.next();
  const began = performance.now();
  await second.stop();
  const rest = [];
  for await (const event of stream) rest.push(event);
  expect(rest.length).toBeLessThan(3);
  // Less than the grace of requests under way.
  expect(performance.now() - began).toBeLessThan(8_000);
});

it('goes on after Postgres refused a read', async () => {
  const ticks: Tick[] = [];
  for await (const { data } of eventsOf(await open())) {
    ticks.push(JSON.parse(data) as Tick);
    if (ticks.length === 1) {
      await t.pool.query('alter table events rename to events_away');
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      await t.pool.query('alter table events_away rename to events');
      await post();
    }
    if (sum(ticks, ({ events }) => events) >= 6) break;
  }
  expect(sum(ticks, ({ events }) => events)).toBe(6);
});
