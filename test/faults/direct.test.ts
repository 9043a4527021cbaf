import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLAIM_MS } from '../../src/delivery/in-process-runner.js';
import { startReceiver } from '../support/receiver.js';
import { startCluster, type Cluster } from './cluster.js';
import { directFaults } from './faults.js';
import { postEvents } from './kill-switch.js';
import { leftOpen } from './left-open.js';
import { runFault } from './run-fault.js';
import { until } from './wait.js';

/** The accepting process makes the first attempts: what if it is that which dies? */
const SHORT = { downMs: 1_000, frozenMs: 0, awayMs: 5_000, refusedMs: 2_000 };
const RECOVER_MS = 90_000;
/** Sooner than where it would have been waited for a process that does not know of it. */
const SOON_MS = 0.75 * CLAIM_MS;
const options = { eventsPerSecond: 30, beforeMs: 1_500, recoverMs: RECOVER_MS };

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster('direct');
});
afterAll(() => cluster?.end(Boolean(process.env.SUREHOOK_KEEP)));

test.each(directFaults(SHORT))(
  'nothing is lost after: $name',
  async (fault) => {
    const { problems, repeated, workerLost, recoveredMs } = await runFault(cluster, fault, options);
    expect(problems).toEqual([]);
    expect(recoveredMs).toBeLessThan(SOON_MS);
    // Whoever got a request twice can be told why.
    expect(repeated).toBeLessThanOrEqual(workerLost);
  },
  5 * RECOVER_MS,
);

/** Posts an event, and strikes while it is being committed. */
async function inMidCommit(tenant: string, strike: () => Promise<void>) {
  const receiver = await startReceiver();
  const endpoint = { url: receiver.url, event_types: ['*'], tenant };
  expect((await cluster.call('POST', '/v1/endpoints', endpoint)).status).toBe(201);
  await cluster.query(`create function slow() returns trigger language plpgsql as
    $$ begin perform pg_sleep(2); return null; end $$`);
  await cluster.query(`create constraint trigger slow after insert on idempotency_keys
    deferrable initially deferred for each row execute function slow()`);
  const post = () =>
    cluster.call('POST', '/v1/events', { type: 'a.b', payload: 1, tenant, idempotency_key: 'only' });
  try {
    const answer = post().catch((error: Error) => error);
    const committing = () =>
      cluster.query(
        `select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
      );
    expect(await until(async () => (await committing()).length > 0, 10_000, 10)).toBe(true);
    await strike();
    expect(await until(async () => (await committing()).length === 0, 10_000, 10)).toBe(true);
    return { receiver, post, answer: await answer };
  } finally {
    await cluster.query('drop function slow cascade');
  }
}

/** Its attempts, once it is DELIVERED. */
async function attemptsOf(tenant: string, ms: number): Promise<string[]> {
  const read = () =>
    cluster.query<{ attempts: string[] }>(
      `select array(select classification from attempts a where a.delivery_id = d.id order by number) as attempts
       from deliveries d where tenant = $1 and status = 'DELIVERED'`,
      [tenant],
    );
  await until(async () => (await read()).length === 1, ms);
  return (await read())[0]?.attempts ?? [];
}

test('the API killed in mid-commit: the event is there, its sender is recognised, and it is sent once', async () => {
  const { receiver, post, answer } = await inMidCommit('killed', () => cluster.api.kill());
  expect(answer).toBeInstanceOf(Error);
  await cluster.query(`update deliveries set due_at = now() where tenant = 'killed'`);
  await cluster.api.start();
  expect(await post()).toMatchObject({ status: 200, body: { duplicate: true } });
  // Whether the process that died had sent it nobody can know.
  expect(await attemptsOf('killed', 60_000)).toEqual(['WORKER_LOST', 'DELIVERED']);
  expect(receiver.requests).toHaveLength(1);
  await receiver.close();
}, 120_000);

test('cut off from Postgres in mid-commit, the API says that it does not know; what was stored is sent soon', async () => {
  const { receiver, post, answer } = await inMidCommit('cut', async () =>
    cluster.proxies['api→postgres'].reset(),
  );
  expect(answer).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining('not known whether this was stored') as string },
  });
  expect(await attemptsOf('cut', SOON_MS)).toEqual(['DELIVERED']);
  expect(await post()).toMatchObject({ status: 200, body: { duplicate: true } });
  expect(receiver.requests).toHaveLength(1);
  await receiver.close();
}, 120_000);

test('the kill switch stops what waits in the accepting process, too', async () => {
  let answer: (behaviour: { status: number }) => void = () => {};
  const answered = new Promise<{ status: number }>((resolve) => (answer = resolve));
  const receiver = await startReceiver({ behave: () => answered });
  const endpoint = { url: receiver.url, event_types: ['*'], tenant: 'waiting', timeout_ms: 30_000 };
  expect((await cluster.call('POST', '/v1/endpoints', endpoint)).status).toBe(201);
  await postEvents(cluster, 'waiting', 400);
  await receiver.waitFor((requests) => requests.length === 256, 20_000);
  await cluster.call('POST', '/v1/control/pause', { scope: 'all', reason: 'fault test' });
  // Those on their way end, and make room for the others.
  answer({ status: 200 });
  const count = async (status: string) =>
    (await cluster.query(`select from deliveries where tenant = 'waiting' and status = $1`, [status])).length;
  expect(await until(async () => (await count('HELD')) === 144, 20_000)).toBe(true);
  expect(await count('DELIVERED')).toBe(256);
  expect(receiver.requests).toHaveLength(256);
  await cluster.call('POST', '/v1/control/resume', { scope: 'all' });
  expect(await until(async () => (await count('DELIVERED')) === 400, 60_000)).toBe(true);
  expect(receiver.requests).toHaveLength(400);
  await receiver.close();
}, 120_000);

test(
  'after all of them no delivery and no workflow is left open',
  async () => {
    expect(await leftOpen(cluster, RECOVER_MS)).toEqual({ deliveries: 0, workflows: 0 });
  },
  2 * RECOVER_MS,
);
