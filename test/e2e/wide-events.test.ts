import { Writable } from 'node:stream';
import pg from 'pg';
import pino from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TASK_QUEUE } from '../../workflows/contract.js';
import { copyEndpoint } from '../support/copies.js';
import { createEndpoint, deliveryIn, postEvent, type Accepted } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  ADMIN_KEY,
  createDatabase,
  eventually,
  startTestService,
  type TestService,
} from '../support/service.js';
import { startProcess } from '../support/start-process.js';

/** Thousands of requests and connections take long on a busy machine. */
const WAIT_MS = 240_000;
vi.setConfig({ testTimeout: 2 * WAIT_MS });

type WideEvent = Accepted & { delivery_count: number | null };

/** An event makes up to 100 deliveries with its commit; those of a wider one follow in pages. */
let receiver: Receiver;
const release: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const step of release.splice(0).reverse()) await step();
  await receiver.close();
});

async function start(over: Parameters<typeof startTestService>[0] = {}): Promise<TestService> {
  // Without workflows: 50 for each of these events are a load that other tests cover.
  const t = await startTestService({ pollEveryMs: 200, workflows: 'none', ...over });
  release.push(() => t.stop());
  return t;
}

/** Endpoints of one tenant, each with a path of its own. */
async function makeEndpoints(
  t: TestService,
  count: number,
  tenant: string,
  status = 'enabled',
): Promise<void> {
  const { id } = await createEndpoint(t, receiver.url, { tenant, event_types: ['none'], timeout_ms: 30_000 });
  await copyEndpoint(t.pool, id, count, { types: ['order.*'], status, ownPath: true });
}

const post = (t: TestService, tenant: string) =>
  t.call<WideEvent>('POST', '/v1/events', { type: 'order.created', payload: { n: 1 }, tenant });
const eventOf = async (t: TestService, id: string) =>
  (await t.call<WideEvent>('GET', `/v1/events/${id}`)).body;
const statusesOf = async (t: Pick<TestService, 'pool'>, eventId: string) => {
  const { rows } = await t.pool.query<{ status: string; count: number }>(
    'select status, count(*)::int from all_deliveries where event_id = $1 group by 1 order by 1',
    [eventId],
  );
  return rows;
};

test('an event for 2,500 endpoints is answered with its first 100 deliveries, and all of them arrive once', async () => {
  // The first of a process: no look-up of an endpoint is refused by a limit of the pool.
  const faults: string[] = [];
  const sink = new Writable({
    write(line: Buffer, _encoding, done) {
      faults.push(line.toString());
      done();
    },
  });
  const t = await start({ log: pino({ level: 'error' }, sink) });
  await makeEndpoints(t, 2_500, 'wide');
  const { status, body } = await post(t, 'wide');
  expect(status).toBe(202);
  expect(body.deliveries).toHaveLength(100);
  expect(body.delivery_count).toBeNull();
  await receiver.waitFor((requests) => requests.length >= 2_500, WAIT_MS);
  await eventually(async () => {
    const [only] = await statusesOf(t, body.id);
    return only?.status === 'DELIVERED' && only.count === 2_500;
  }, WAIT_MS);
  const { rows: attempts } = await t.pool.query(
    'select classification, detail->>$1 as error, count(*)::int from attempts group by 1, 2',
    ['error'],
  );
  expect(attempts).toEqual([{ classification: 'DELIVERED', error: null, count: 2_500 }]);
  expect(receiver.requests).toHaveLength(2_500);
  expect(new Set(receiver.requests.map(({ path }) => path)).size).toBe(2_500);
  const event = await eventOf(t, body.id);
  expect(event.delivery_count).toBe(2_500);
  expect(event.deliveries.map(({ id }) => id)).toEqual(body.deliveries.map(({ id }) => id));
  const { rows } = await t.pool.query('select distinct attempt_count, status_reason from all_deliveries');
  expect(rows).toEqual([{ attempt_count: 1, status_reason: null }]);
  expect(faults).toEqual([]);
});

test('cancelling what an event has open also stops what is still fanned out', async () => {
  const t = await start();
  await makeEndpoints(t, 2_500, 'wide', 'paused');
  // Longer between two pages than a pass of the cancellation takes.
  await t.pool.query(`create function slow_page() returns trigger language plpgsql as
    $$ begin if tg_op = 'UPDATE' then perform pg_sleep(0.5); end if; return new; end $$`);
  await t.pool.query(
    'create trigger slow_page before update on events for each row execute function slow_page()',
  );
  const { body } = await post(t, 'wide');
  const filter = { event_id: body.id };
  const answer = await t.call('POST', '/v1/deliveries/cancel', { filter });
  expect(answer.body).toMatchObject({ matched: 2_500, cancelled: 2_500, complete: true });
  expect(await statusesOf(t, body.id)).toEqual([{ status: 'CANCELLED', count: 2_500 }]);
});

test('beside 16 such events at once, the events of another tenant are accepted and delivered', async () => {
  const t = await start();
  await makeEndpoints(t, 2_500, 'wide', 'paused');
  await createEndpoint(t, `${receiver.url}/other`, { tenant: 'other' });
  const wide = Array.from({ length: 16 }, () => post(t, 'wide'));
  const others: Accepted[] = [];
  let made = 0;
  await Promise.all([
    eventually(async () => {
      const { rows } = await t.pool.query<{ count: number }>('select count(*)::int from open_deliveries');
      made = rows[0]!.count;
      return made === 16 * 2_500;
    }, WAIT_MS),
    (async () => {
      // Until all is fanned out, and at least 50.
      for (let n = 0; n < 50 || made < 16 * 2_500; n++) others.push(await postEvent(t, { tenant: 'other' }));
    })(),
  ]);
  for (const answer of await Promise.all(wide)) {
    expect(answer.status).toBe(202);
    expect(await eventOf(t, answer.body.id)).toMatchObject({ delivery_count: 2_500 });
  }
  for (const { deliveries } of others)
    expect((await deliveryIn(t, deliveries[0]!.id)).status).toBe('DELIVERED');
});

test('64 events at once with 500 endpoints each are all accepted', async () => {
  const t = await start();
  await makeEndpoints(t, 500, 'wide', 'paused');
  const answers = await Promise.all(Array.from({ length: 64 }, () => post(t, 'wide')));
  expect(answers.map(({ status }) => status)).toEqual(Array<number>(64).fill(202));
  await eventually(async () => {
    const { rows } = await t.pool.query('select count(*)::int from open_deliveries');
    return (rows[0] as { count: number }).count === 64 * 500;
  }, WAIT_MS);
});

test('an event whose process is killed while it is fanned out is completed by another', async () => {
  const databaseUrl = await createDatabase(`wide_killed_${process.pid}`);
  const t = await start({ databaseUrl, taskQueue: TASK_QUEUE, role: 'api', attempts: false });
  await makeEndpoints(t, 2_500, 'wide');
  // Each page takes a while, so that the process dies between two of them.
  await t.pool.query(`create function slow_page() returns trigger language plpgsql as
    $$ begin perform pg_sleep(case when (select count(*) from made) >= 1000 then 1 else 0 end); return null; end $$`);
  await t.pool.query(`create trigger slow_page after insert on open_deliveries
    referencing new table as made for each statement execute function slow_page()`);
  await t.stop();
  release.pop();
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  release.push(() => pool.end());
  const { child, url } = await startProcess('api', databaseUrl, { SUREHOOK_WORKFLOWS: 'none' });
  release.push(() => Promise.resolve(child.kill('SIGKILL')));
  const response = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    body: JSON.stringify({ type: 'order.created', payload: 1, tenant: 'wide' }),
  });
  expect(response.status).toBe(202);
  const { id } = (await response.json()) as WideEvent;
  const made = async () => (await statusesOf({ pool }, id)).reduce((sum, { count }) => sum + count, 0);
  await eventually(async () => (await made()) === 1_100);
  child.kill('SIGKILL');
  const last = await start({ databaseUrl, taskQueue: TASK_QUEUE });
  await eventually(async () => {
    const rows = await statusesOf(last, id);
    return rows.length === 1 && rows[0]!.status === 'DELIVERED' && rows[0]!.count === 2_500;
  }, WAIT_MS);
  expect(await eventOf(last, id)).toMatchObject({ delivery_count: 2_500 });
  expect(new Set(receiver.requests.map(({ path }) => path)).size).toBe(2_500);
});
