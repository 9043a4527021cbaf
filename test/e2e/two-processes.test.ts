import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TASK_QUEUE } from '../../workflows/contract.js';
import { createEndpoint, deliveryIn } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  ADMIN_KEY,
  createDatabase,
  eventually,
  startTestService,
  type TestService,
} from '../support/service.js';
import { startProcess } from '../support/start-process.js';

let receiver: Receiver;
const release: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  await receiver.close();
  for (const step of release.splice(0).reverse()) await step();
});

/** Two services on one database. */
async function startTwo(): Promise<[TestService, TestService]> {
  const first = await startTestService({ pollEveryMs: 200, workflows: 'none' });
  release.push(() => first.stop());
  const { databaseUrl, taskQueue } = first;
  const second = await startTestService({ databaseUrl, taskQueue, pollEveryMs: 200, workflows: 'none' });
  release.push(() => second.stop());
  return [first, second];
}

/** A service in a process of its own, beside one in this process. */
async function startChild(t: TestService): Promise<{ child: ChildProcess; api: TestService }> {
  const { child, url } = await startProcess('api', t.databaseUrl, {
    SUREHOOK_RETRY_SCALE: '0.01',
    SUREHOOK_WORKFLOWS: 'none',
  });
  release.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  });
  const call: TestService['call'] = async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      body: JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as never };
  };
  return { child, api: { ...t, call } };
}

/** Posts events in one request. */
async function post(t: TestService, count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, n) => ({ type: 'a.b', payload: { n } }));
  const { body } = await t.call<{ results: { status: number }[] }>('POST', '/v1/events/batch', { events });
  expect(body.results.map(({ status }) => status)).toEqual(Array(count).fill(202));
}
/** With the longest deadline: a busy machine must not time requests out. */
const endpointOf = (t: TestService) => createEndpoint(t, receiver.url, { timeout_ms: 30_000 });
const allEnded = (t: TestService, count: number) =>
  eventually(async () => {
    const { rowCount } = await t.pool.query(`select from deliveries where status = 'DELIVERED'`);
    return rowCount === count;
  }, 120_000);
test('two processes on one database make every attempt once', async () => {
  const [first, second] = await startTwo();
  await endpointOf(first);
  // Every third event fails once, so that retries are made as well.
  receiver.setBehaviour(({ headers, body }) => ({
    status: headers['webhook-attempt'] === '1' && Number(/\d+/.exec(body)![0]) % 3 === 0 ? 503 : 200,
  }));
  await Promise.all([post(first, 300), post(second, 300)]);
  await allEnded(first, 600);
  const requests = receiver.requests.map(
    ({ headers }) => `${headers['webhook-id']} ${headers['webhook-attempt']}`,
  );
  expect(new Set(requests).size).toBe(requests.length);
  expect(requests).toHaveLength(600 + 200);
});

test('a process that stops releases what it has not begun: another makes it at once, and no attempt is lost', async () => {
  const [first, second] = await startTwo();
  await endpointOf(first);
  let answer!: () => void;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  let isFirst = true;
  // An endpoint takes 256 at a time: the others wait in the first process.
  receiver.setBehaviour(async () => {
    if (isFirst) await answered;
    return { status: 200 };
  });
  await post(first, 400);
  await receiver.waitFor((requests) => requests.length === 256);
  isFirst = false;
  const stopping = first.service.stop();
  // The attempts of the first are still under way.
  await receiver.waitFor((requests) => requests.length === 400);
  answer();
  await stopping;
  await allEnded(second, 400);
  const { rows } = await second.pool.query(
    'select classification, count(*)::int from attempts group by 1 order by 1',
  );
  expect(rows).toEqual([{ classification: 'DELIVERED', count: 400 }]);
  expect(receiver.requests).toHaveLength(400);
  expect((await second.pool.query('select from processes')).rowCount).toBe(1);
});

test('after kill -9 of the process that accepted them, another goes on with all that it had claimed', async () => {
  const databaseUrl = await createDatabase(`killed_${process.pid}`);
  const t = await startTestService({ databaseUrl, taskQueue: TASK_QUEUE, pollEveryMs: 200 });
  release.push(() => t.stop());
  const { child, api } = await startChild(t);
  await endpointOf(t);
  receiver.setBehaviour(() => ({ hang: true }));
  await post(api, 300);
  // 256 requests are under way; for 44 deliveries the claim waits for its turn.
  await receiver.waitFor((requests) => requests.length === 256);
  const sent = new Set(receiver.requests.map(({ headers }) => headers['webhook-id']));
  receiver.setBehaviour(() => ({ status: 200 }));
  child.kill('SIGKILL');
  const killed = Date.now();
  await allEnded(t, 300);
  // Whether a claim had begun to send cannot be known: each shows as an attempt.
  const { rows } = await t.pool.query(
    'select number, classification, count(*)::int from attempts group by 1, 2 order by 1',
  );
  expect(rows).toEqual([
    { number: 1, classification: 'WORKER_LOST', count: 300 },
    { number: 2, classification: 'DELIVERED', count: 300 },
  ]);
  const again = receiver.requests.slice(256).map(({ headers }) => headers['webhook-id']);
  expect(again).toHaveLength(300);
  expect(new Set(again).size).toBe(300);
  expect(again.filter((id) => sent.has(id))).toHaveLength(256);
  // By the death of its process, long before the claim ends by itself after 90 s.
  expect(receiver.requests[256]!.at - killed).toBeLessThan(60_000);
});

test('kill -9 during a retry leaves a WORKER_LOST with its number, and the next attempt follows', async () => {
  const databaseUrl = await createDatabase(`killed_again_${process.pid}`);
  const t = await startTestService({ databaseUrl, taskQueue: TASK_QUEUE, role: 'api', attempts: false });
  release.push(() => t.stop());
  const { child, api } = await startChild(t);
  await endpointOf(t);
  receiver.setBehaviour((_request, index) => (index === 0 ? { status: 503 } : { hang: true }));
  await post(api, 1);
  await receiver.waitFor((requests) => requests.length === 2);
  receiver.setBehaviour(() => ({ status: 200 }));
  child.kill('SIGKILL');
  const { databaseUrl: same, taskQueue } = t;
  const next = await startTestService({ databaseUrl: same, taskQueue, pollEveryMs: 200 });
  release.push(() => next.stop());
  const { rows } = await t.pool.query<{ id: string }>('select id from all_deliveries');
  const done = await deliveryIn(next, rows[0]!.id);
  expect(done.attempts.map(({ number, classification }) => `${number} ${classification}`)).toEqual([
    '1 HTTP_5XX_RETRYABLE',
    '2 WORKER_LOST',
    '3 DELIVERED',
  ]);
  expect(receiver.requests.map(({ headers }) => headers['webhook-attempt'])).toEqual(['1', '2', '3']);
});
