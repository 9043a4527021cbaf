import { rm, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { repair } from './case.js';
import { startCluster, type Cluster } from './cluster.js';
import { machineLost } from './faults.js';
import { MAX_PER_ENDPOINT, postEvents, stopEverything } from './kill-switch.js';
import { sleep, until } from './wait.js';

let cluster: Cluster;
let receiver: Receiver;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  cluster = await startCluster();
}, 300_000);
afterAll(() => cluster?.end(Boolean(process.env.SUREHOOK_KEEP)));
afterEach(async () => {
  await repair(cluster);
  // Where nothing is paused, it is refused.
  await cluster.call('POST', '/v1/control/resume', { scope: 'all', reason: 'the next test begins' });
});
beforeEach(async () => {
  tenant = `switch_${nth++}`;
  receiver = await startReceiver();
  const endpoint = { url: receiver.url, event_types: ['*'], tenant };
  expect((await cluster.call('POST', '/v1/endpoints', endpoint)).status).toBe(201);
  return () => receiver.close();
});

const control = async (verb: string, reason: string) => {
  const answer = await cluster.call('POST', `/v1/control/${verb}`, { scope: 'all', reason });
  expect(answer.status).toBe(200);
};

/** Each of the tenant's events is DELIVERED, with one request each. */
async function allArrive(events: number): Promise<void> {
  const read = () =>
    cluster.query<{ status: string; attempt_count: number }>(
      'select status, attempt_count from all_deliveries where tenant = $1',
      [tenant],
    );
  const delivered = async () => (await read()).filter(({ status }) => status === 'DELIVERED').length;
  await until(async () => (await delivered()) === events, 60_000);
  expect(await read()).toEqual(Array(events).fill({ status: 'DELIVERED', attempt_count: 1 }));
  expect(receiver.requests).toHaveLength(events);
}

test('with 244 deliveries that wait in the accepting process, nothing more is sent, and all arrive once after', async () => {
  // An accepting process that is busy leaves deliveries to the workers, which may send as many again.
  await Promise.all(cluster.workers.map((worker) => worker.stop()));
  const stopped = await stopEverything(cluster, 500, 60_000);
  expect(stopped).toMatchObject({ held: 500 - MAX_PER_ENDPOINT, delivered: 500, repeated: 0 });
  expect(stopped.lastRequestMs).toBeLessThan(1_000);
}, 120_000);

test('the kill switch works while Temporal is away, and outlives every process', async () => {
  await cluster.temporal.stop();
  await control('pause', 'all is down');
  await postEvents(cluster, tenant, 20);
  const statuses = () =>
    cluster.query('select status, count(*)::int from all_deliveries where tenant = $1 group by 1', [tenant]);
  expect(await statuses()).toEqual([{ status: 'HELD', count: 20 }]);
  await machineLost(cluster);
  expect((await cluster.call('GET', '/v1/control')).body).toMatchObject({
    paused: true,
    pauses: [{ reason: 'all is down' }],
  });
  // Some looks of the pollers.
  await sleep(3_000);
  expect(await statuses()).toEqual([{ status: 'HELD', count: 20 }]);
  expect(receiver.requests).toEqual([]);
  await control('resume', 'all is back');
  await allArrive(20);
}, 120_000);

test('the file PAUSE stops all processes of its folder within a second, under load', async () => {
  receiver.setBehaviour(() => ({ status: 200, afterMs: 100 }));
  let posting = true;
  let posted = 0;
  const load = (async () => {
    for (; posting; posted++) {
      const { status } = await cluster.call('POST', '/v1/events', { type: 'a.b', payload: 1, tenant });
      expect(status).toBe(202);
      await sleep(20);
    }
  })();
  try {
    await receiver.waitFor((requests) => requests.length >= 30, 30_000);
    await writeFile(cluster.pauseFile, 'by hand\n');
    const written = Date.now();
    const before = posted;
    await sleep(2_000);
    expect(Math.max(...receiver.requests.map(({ at }) => at)) - written).toBeLessThan(1_000);
    expect(await until(async () => posted > before + 20, 30_000)).toBe(true);
    expect((await cluster.call('GET', '/v1/control')).body).toMatchObject({ paused: true, file: 'by hand' });
  } finally {
    posting = false;
    await load;
    await rm(cluster.pauseFile, { force: true });
  }
  await allArrive(posted);
}, 120_000);
