import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { createLogger } from '../../src/observability/logger.js';
import { startService } from '../../src/bootstrap/service.js';
import type { Service } from '../../src/bootstrap/service-options.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { ADMIN_KEY, eventually, startTestService, temporalAt, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;
const release: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  t = await startTestService({ pollEveryMs: 200 });
  receiver = await startReceiver();
  release.push(
    () => receiver.close(),
    () => t.stop(),
  );
});
afterEach(async () => {
  for (const step of release.splice(0).reverse()) await step();
});

/** A second service on the same database and task queue. */
async function another(over: { pauseFile?: string } = {}): Promise<Service> {
  const service = await startService({
    role: 'worker',
    host: '127.0.0.1',
    port: 0,
    databaseUrl: t.databaseUrl,
    temporal: temporalAt(inject('temporalAddress')),
    adminKey: ADMIN_KEY,
    encryptionKeys: [Buffer.alloc(32, 1).toString('base64')],
    allowNetworks: ['127.0.0.0/8'],
    retryScale: 0.01,
    log: createLogger('silent'),
    taskQueue: t.taskQueue,
    pollEveryMs: 200,
    ...over,
  });
  release.push(() => service.stop());
  await service.ready;
  return service;
}

const pause = (body: Record<string, unknown> = { scope: 'all', reason: 'incident 7' }) =>
  t.call('POST', '/v1/control/pause', body);
const resume = (body: Record<string, unknown> = { scope: 'all' }) =>
  t.call('POST', '/v1/control/resume', body);

const countByStatus = async () => {
  const { rows } = await t.pool.query<{ status: string; count: number }>(
    'select status, count(*)::int from all_deliveries group by 1 order by 1',
  );
  return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
};

test('the kill switch stops every process within a second, uses up no attempt, and loses nothing', async () => {
  await another();
  await createEndpoint(t, receiver.url);
  let posting = true;
  let posted = 0;
  const load = (async () => {
    for (; posting; posted++) {
      await postEvent(t, {});
      await sleep(10);
    }
  })();
  await receiver.waitFor((requests) => requests.length >= 30);
  expect(await pause()).toMatchObject({
    status: 200,
    body: {
      paused: true,
      pauses: [{ scope: 'all', tenant: null, reason: 'incident 7', paused_by: 'admin' }],
    },
  });
  const returned = Date.now();
  const before = posted;
  await sleep(2_000);
  const last = Math.max(...receiver.requests.map((request) => request.at));
  expect(last - returned).toBeLessThan(1_000);
  expect(posted).toBeGreaterThan(before);

  posting = false;
  await load;
  const held = await t.call<{ deliveries: { status: string }[] }>('POST', '/v1/events', {
    type: 'a.b',
    payload: 1,
  });
  expect(held).toMatchObject({ status: 202, body: { deliveries: [{ status: 'HELD' }] } });
  expect((await countByStatus()).HELD).toBeGreaterThanOrEqual(posted - before);

  expect(await resume({ scope: 'all', reason: 'over' })).toMatchObject({
    status: 200,
    body: { paused: false },
  });
  await receiver.waitFor((requests) => requests.length === posted + 1);
  await eventually(async () => (await countByStatus()).DELIVERED === posted + 1);
  const { rows } = await t.pool.query('select distinct attempt_count from deliveries');
  expect(rows).toEqual([{ attempt_count: 1 }]);

  const audit = await t.call<{ data: object[] }>('GET', '/v1/audit?object=all');
  expect(audit.body.data).toMatchObject([
    { actor: 'admin', action: 'control.resume', reason: 'over', before: { reason: 'incident 7' } },
    { actor: 'admin', action: 'control.pause', reason: 'incident 7' },
  ]);
}, 60_000);

test('a pause holds what waits for a retry, outlives a restart of everything, and resuming goes on where it was', async () => {
  await createEndpoint(t, receiver.url);
  receiver.setBehaviour((_request, index) => ({
    status: index === 0 ? 500 : 200,
    headers: { 'retry-after': '300' },
  }));
  const event = await postEvent(t, {});
  await receiver.waitFor((requests) => requests.length === 1);
  await pause();
  const id = event.deliveries[0]!.id;
  expect(await deliveryIn(t, id, ['HELD'])).toMatchObject({
    status_reason: 'everything paused: incident 7',
    attempt_count: 1,
  });

  await t.service.stop();
  const next = await startTestService({
    databaseUrl: t.databaseUrl,
    taskQueue: t.taskQueue,
    pollEveryMs: 200,
  });
  release.push(() => next.stop());
  expect((await next.call('GET', '/v1/control')).body).toMatchObject({ paused: true });
  await sleep(500);
  expect(receiver.requests).toHaveLength(1);

  await next.call('POST', '/v1/control/resume', { scope: 'all' });
  expect(await deliveryIn(next, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect((await getDelivery(next, id)).attempts.map((attempt) => attempt.number)).toEqual([1, 2]);
});

test('pausing again says who did it last, when and why, and the audit what was there before', async () => {
  const [first] = (await pause()).body.pauses as { paused_at: string }[];
  await t.pool.query(`update control set paused_by = 'somebody'`);
  const [second] = (await pause({ scope: 'all', reason: 'incident 8' })).body.pauses as {
    paused_at: string;
  }[];
  expect(second).toMatchObject({ reason: 'incident 8', paused_by: 'admin' });
  expect(Date.parse(second!.paused_at)).toBeGreaterThan(Date.parse(first!.paused_at));
  const { body } = await t.call<{ data: object[] }>('GET', '/v1/audit?object=all');
  expect(body.data).toMatchObject([
    {
      before: { reason: 'incident 7', paused_by: 'somebody', paused_at: first!.paused_at },
      after: { reason: 'incident 8', paused_by: 'admin', paused_at: second!.paused_at },
    },
    { before: null, after: { reason: 'incident 7' } },
  ]);
});

test('a held delivery is not retried by hand: resume what holds it', async () => {
  await createEndpoint(t, receiver.url);
  await pause();
  const { deliveries } = await postEvent(t, {});
  expect(await t.call('POST', `/v1/deliveries/${deliveries[0]!.id}/retry`)).toMatchObject({
    status: 409,
    body: { code: 'delivery_held' },
  });
  expect(receiver.requests).toHaveLength(0);
});

test('a tenant is paused alone', async () => {
  await createEndpoint(t, receiver.url, { tenant: 'acme' });
  await createEndpoint(t, receiver.url, { tenant: 'other' });
  await pause({ scope: 'tenant', tenant: 'acme', reason: 'their receiver moves' });
  const [acme, other] = [await postEvent(t, { tenant: 'acme' }), await postEvent(t, { tenant: 'other' })];
  await deliveryIn(t, other.deliveries[0]!.id, ['DELIVERED']);
  expect(await getDelivery(t, acme.deliveries[0]!.id)).toMatchObject({
    status: 'HELD',
    status_reason: 'tenant paused: their receiver moves',
  });
  await resume({ scope: 'tenant', tenant: 'acme' });
  await deliveryIn(t, acme.deliveries[0]!.id, ['DELIVERED']);
  expect(await resume({ scope: 'tenant', tenant: 'acme' })).toMatchObject({
    status: 409,
    body: { code: 'not_paused' },
  });
});

test('overdue deliveries are resumed at a rate that grows', async () => {
  await createEndpoint(t, receiver.url);
  await pause();
  await Promise.all(Array.from({ length: 200 }, () => postEvent(t, {})));
  expect(await countByStatus()).toEqual({ HELD: 200 });
  // The rate is limited for deliveries that are overdue for more than 10 s.
  await t.pool.query(`update open_deliveries set run_at = now() - interval '1 minute'`);
  await resume();
  await receiver.waitFor((requests) => requests.length === 200);
  const times = receiver.requests.map(({ at }) => at).sort((a, b) => a - b);
  // 100 in the first second, twice as many in the next: 200 take 1.5 s, less what the first page has at once.
  expect(times.at(-1)! - times[0]!).toBeGreaterThan(1_000);
});

test('a process that lost its connection for notifications still hears of a pause within a second', async () => {
  await createEndpoint(t, receiver.url);
  await postEvent(t, {});
  await receiver.waitFor((requests) => requests.length === 1);
  const { rowCount } = await t.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'surehook control' and datname = current_database()`,
  );
  expect(rowCount).toBe(1);
  // Behind the API's back, and without a notification.
  await t.pool.query(`insert into control (scope, reason, paused_by) values ('all', 'quiet', 'somebody')`);
  await sleep(1_000);
  // As an accepting process without room for attempts would have made it.
  const event = await postEvent(t, {});
  expect(event.deliveries).toMatchObject([{ status: 'HELD' }]);
  await sleep(1_000);
  expect(receiver.requests).toHaveLength(1);
  await t.pool.query('delete from control');
  await receiver.waitFor((requests) => requests.length === 2);
});

/** Restarts the service with a file PAUSE in its folder. */
async function startPausedByFile(): Promise<{ next: TestService; pauseFile: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-pause-'));
  release.push(() => rm(dir, { recursive: true }));
  await t.service.stop();
  const pauseFile = join(dir, 'PAUSE');
  await writeFile(pauseFile, 'by hand, all else is down\n');
  const { databaseUrl, taskQueue } = t;
  const next = await startTestService({ databaseUrl, taskQueue, pollEveryMs: 200, pauseFile });
  release.push(() => next.stop());
  return { next, pauseFile };
}

test('the file PAUSE of the only process holds deliveries while it is there', async () => {
  const { next, pauseFile } = await startPausedByFile();
  await createEndpoint(next, receiver.url);
  const { deliveries } = await postEvent(next, {});
  expect(await deliveryIn(next, deliveries[0]!.id, ['HELD'])).toMatchObject({
    status_reason: 'everything paused by a file: by hand, all else is down',
  });
  expect((await next.call('GET', '/v1/control')).body).toMatchObject({
    paused: true,
    file: 'by hand, all else is down',
    pauses: [],
  });
  await rm(pauseFile);
  await deliveryIn(next, deliveries[0]!.id, ['DELIVERED']);
});

test('the file PAUSE of one process leaves its deliveries to the others; with a file in each, they are held', async () => {
  const { next, pauseFile } = await startPausedByFile();
  await createEndpoint(next, receiver.url);
  await another();
  const first = await postEvent(next, {});
  await deliveryIn(next, first.deliveries[0]!.id, ['DELIVERED']);
  const { rows } = await next.pool.query('select paused from processes order by paused nulls first');
  expect(rows).toEqual([{ paused: null }, { paused: 'by hand, all else is down' }]);

  // The other one stops, and a third with a file of its own takes its place.
  await release.pop()!();
  await another({ pauseFile });
  const second = await postEvent(next, {});
  expect(await deliveryIn(next, second.deliveries[0]!.id, ['HELD'])).toMatchObject({
    status_reason: 'everything paused by a file: by hand, all else is down',
  });
  expect(receiver.requests).toHaveLength(1);
  await rm(pauseFile);
  await deliveryIn(next, second.deliveries[0]!.id, ['DELIVERED']);
});

test('a pause with bad input is refused, names the field and changes nothing', async () => {
  const bad: [verb: string, body: Record<string, unknown>, path: string][] = [
    ['pause', {}, 'scope'],
    ['pause', { scope: 'all' }, 'reason'],
    ['pause', { scope: 'all', reason: '' }, 'reason'],
    ['pause', { scope: 'all', reason: 'two\nlines' }, 'reason'],
    ['pause', { scope: 'tenant', reason: 'x' }, 'tenant'],
    ['pause', { scope: 'tenant', tenant: 'a b', reason: 'x' }, 'tenant'],
    ['pause', { scope: 'all', tenant: 'acme', reason: 'x' }, 'tenant'],
    ['resume', { scope: 'everything' }, 'scope'],
  ];
  for (const [verb, body, path] of bad) {
    const answer = await t.call<{ errors: { path: string }[] }>('POST', `/v1/control/${verb}`, body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors.map((error) => error.path)).toContain(path);
  }
  expect((await t.call('GET', '/v1/control')).body).toMatchObject({ paused: false, pauses: [] });
  expect((await t.call<{ data: object[] }>('GET', '/v1/audit')).body.data).toEqual([]);
});
