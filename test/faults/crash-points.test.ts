import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startCluster, type Cluster } from './cluster.js';
import { sleep, until } from './wait.js';

/** A process killed exactly between two steps that have to go together. */
let cluster: Cluster;
let receiver: Receiver;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.end(Boolean(process.env.SUREHOOK_KEEP)));
beforeEach(async () => {
  tenant = `crash_${nth++}`;
  receiver = await startReceiver();
  const endpoint = { url: receiver.url, event_types: ['*'], tenant };
  expect((await cluster.call('POST', '/v1/endpoints', endpoint)).status).toBe(201);
  return () => receiver.close();
});

const post = () =>
  cluster.call('POST', '/v1/events', { type: 'a.b', payload: 1, tenant, idempotency_key: 'only' });

interface Row {
  status: string;
  attempt_count: number;
  attempts: string[];
}

async function delivered(): Promise<Row> {
  const read = () =>
    cluster.query<Row>(
      `select status, attempt_count,
         array(select classification from attempts a where a.delivery_id = d.id order by number) as attempts
       from deliveries d where tenant = $1`,
      [tenant],
    );
  await until(async () => (await read())[0]?.status === 'DELIVERED', 90_000);
  return (await read())[0]!;
}

test('the API killed between the commit and the start of the workflow: the event is delivered, once', async () => {
  await cluster.proxies['api→temporal'].refuse();
  expect((await post()).status).toBe(202);
  await cluster.api.kill();
  await cluster.proxies['api→temporal'].accept();
  await cluster.api.start();
  expect(await delivered()).toEqual({ status: 'DELIVERED', attempt_count: 1, attempts: ['DELIVERED'] });
  expect(receiver.requests).toHaveLength(1);
  // The sender that got no answer asks again, and is recognised.
  expect(await post()).toMatchObject({ status: 200, body: { duplicate: true } });
}, 120_000);

test('Postgres away between the 2xx and its record: it is recorded later, and nothing is sent again', async () => {
  receiver.setBehaviour(async () => {
    await cluster.proxies['worker→postgres'].refuse();
    return { status: 200 };
  });
  expect((await post()).status).toBe(202);
  await receiver.waitFor((requests) => requests.length === 1);
  await sleep(5_000);
  await cluster.proxies['worker→postgres'].accept();
  expect(await delivered()).toEqual({ status: 'DELIVERED', attempt_count: 1, attempts: ['DELIVERED'] });
  expect(receiver.requests).toHaveLength(1);
}, 120_000);

test('so it is when the workers are killed meanwhile: the outcome waits in the workflow', async () => {
  receiver.setBehaviour(async () => {
    await cluster.proxies['worker→postgres'].refuse();
    return { status: 200 };
  });
  expect((await post()).status).toBe(202);
  await receiver.waitFor((requests) => requests.length === 1);
  await sleep(2_000);
  await Promise.all(cluster.workers.map((worker) => worker.kill()));
  await cluster.proxies['worker→postgres'].accept();
  await Promise.all(cluster.workers.map((worker) => worker.start()));
  expect(await delivered()).toEqual({ status: 'DELIVERED', attempt_count: 1, attempts: ['DELIVERED'] });
  expect(receiver.requests).toHaveLength(1);
}, 120_000);

test('a disk that is full when the attempt is to be recorded: it is recorded when there is room', async () => {
  await cluster.query(`create function no_room() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`);
  await cluster.query(
    `create trigger no_room before insert on attempts for each row execute function no_room()`,
  );
  expect((await post()).status).toBe(202);
  await receiver.waitFor((requests) => requests.length === 1);
  await sleep(5_000);
  // Not dropped: that would lock the tables, and be in the way of what is being recorded.
  await cluster.query(
    'create or replace function no_room() returns trigger language plpgsql as $$ begin return new; end $$',
  );
  expect(await delivered()).toEqual({ status: 'DELIVERED', attempt_count: 1, attempts: ['DELIVERED'] });
  expect(receiver.requests).toHaveLength(1);
}, 120_000);

test('a worker killed between the 2xx and anybody knowing of it: the attempt says so, and is repeated once', async () => {
  receiver.setBehaviour(async (_request, index) => {
    if (index > 0) return { status: 200 };
    await cluster.proxies['worker→postgres'].refuse();
    await cluster.proxies['worker→temporal'].refuse();
    return { status: 200 };
  });
  expect((await post()).status).toBe(202);
  await receiver.waitFor((requests) => requests.length === 1);
  await sleep(500);
  await Promise.all(cluster.workers.map((worker) => worker.kill()));
  await cluster.proxies['worker→postgres'].accept();
  await cluster.proxies['worker→temporal'].accept();
  await Promise.all(cluster.workers.map((worker) => worker.start()));
  expect(await delivered()).toEqual({
    status: 'DELIVERED',
    attempt_count: 2,
    attempts: ['WORKER_LOST', 'DELIVERED'],
  });
  expect(receiver.requests.map((request) => request.headers['webhook-attempt'])).toEqual(['1', '2']);
}, 120_000);
