import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOwnTemporal, type OwnTemporal } from '../support/own-temporal.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver } from '../support/receiver.js';
import {
  createDatabase,
  eventually,
  startTestService,
  temporalAt,
  type TestService,
} from '../support/service.js';
import { startProcess } from '../support/start-process.js';
import { TASK_QUEUE } from '../../workflows/contract.js';

let temporal: OwnTemporal;
beforeAll(async () => {
  temporal = await startOwnTemporal();
});
afterAll(() => temporal.stop());

/** Workers as processes that can be killed. They use the product's own task queue. */
function workersOf(t: TestService) {
  const workers: ChildProcess[] = [];
  return {
    async start() {
      const env = { TEMPORAL_ADDRESS: temporal.address, LOG_LEVEL: 'fatal' };
      const { child } = await startProcess('worker', t.databaseUrl, env);
      workers.push(child);
      return child;
    },
    kill: () => workers.forEach((worker) => worker.kill('SIGKILL')),
  };
}

/** An API that makes no attempts: the workers do. */
const startApi = async () =>
  startTestService({
    ...{ role: 'api', attempts: false, taskQueue: TASK_QUEUE, pollEveryMs: 200 },
    temporal: temporalAt(temporal.address),
    databaseUrl: await createDatabase(`lost_${randomBytes(4).toString('hex')}`),
  });

test('a process killed in the middle of a request leaves an attempt that says so, and another goes on', async () => {
  const t = await startApi();
  const receiver = await startReceiver({
    behave: (_request, index) => (index === 0 ? { hang: true } : { status: 200 }),
  });
  const workers = workersOf(t);
  try {
    const first = await workers.start();
    const { id } = await createEndpoint(t, receiver.url, { timeout_ms: 30_000, tenant: 'lost' });
    const event = await postEvent(t, { tenant: 'lost', endpoint_ids: [id] });
    await receiver.waitFor((requests) => requests.length === 1);
    await workers.start();
    first.kill('SIGKILL');
    const killedAt = Date.now();
    const delivery = await deliveryIn(t, event.deliveries[0]!.id, ['DELIVERED']);
    expect(delivery.attempt_count).toBe(2);
    expect(delivery.attempts.map(({ number, classification }) => [number, classification])).toEqual([
      [1, 'WORKER_LOST'],
      [2, 'DELIVERED'],
    ]);
    expect(receiver.requests.map((request) => request.headers['webhook-attempt'])).toEqual(['1', '2']);
    // 10 s without a heartbeat; the request itself would have had 30 s.
    expect(receiver.requests[1]!.at - killedAt).toBeLessThan(25_000);
  } finally {
    workers.kill();
    await receiver.close();
    await t.stop();
  }
}, 240_000);

test('the last attempt allowed is in the history, too, when its process dies, and ends the delivery', async () => {
  const t = await startApi();
  const receiver = await startReceiver({ behave: () => ({ hang: true }) });
  const workers = workersOf(t);
  try {
    const tenant = 'lost_late';
    const { id: endpointId } = await createEndpoint(t, receiver.url, { timeout_ms: 30_000, tenant });
    const { deliveries } = await postEvent(t, { tenant, endpoint_ids: [endpointId] });
    const { id } = deliveries[0]!;
    await t.pool.query('update open_deliveries set attempt_count = 11 where id = $1', [id]);
    const first = await workers.start();
    await receiver.waitFor((requests) => requests.length === 1);
    first.kill('SIGKILL');
    await workers.start();
    const ended = await deliveryIn(t, id, ['FAILED']);
    expect(ended).toMatchObject({ status_reason: 'WORKER_LOST', attempt_count: 12 });
    expect(ended.attempts).toMatchObject([{ number: 12, classification: 'WORKER_LOST' }]);
    expect(receiver.requests).toHaveLength(1);
  } finally {
    workers.kill();
    await receiver.close();
    await t.stop();
  }
}, 240_000);

test('a process stopped for 5 s during a slow request sends it once, and nobody else sends it', async () => {
  const t = await startApi();
  const receiver = await startReceiver({ behave: () => ({ status: 200, afterMs: 25_000 }) });
  const workers = workersOf(t);
  try {
    const first = await workers.start();
    const { id } = await createEndpoint(t, receiver.url, { timeout_ms: 30_000, tenant: 'slow' });
    const event = await postEvent(t, { tenant: 'slow', endpoint_ids: [id] });
    await receiver.waitFor((requests) => requests.length === 1);
    await workers.start();
    first.kill('SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    first.kill('SIGCONT');
    const delivery = await deliveryIn(t, event.deliveries[0]!.id);
    expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
    expect(receiver.requests).toHaveLength(1);
  } finally {
    workers.kill();
    await receiver.close();
    await t.stop();
  }
}, 240_000);

test('an answer that came while Postgres was away is recorded by the workflow if the process dies then', async () => {
  const t = await startApi();
  const receiver = await startReceiver();
  const workers = workersOf(t);
  const connection = await Connection.connect({ address: temporal.address });
  try {
    await t.pool.query(`create function no_room() returns trigger language plpgsql as
      $$ begin raise exception 'No space left on device' using errcode = 'disk_full'; end $$`);
    await t.pool.query(
      'create trigger no_room before insert on attempts for each row execute function no_room()',
    );
    const first = await workers.start();
    const tenant = `unrecorded_${randomBytes(4).toString('hex')}`;
    const { id: endpointId } = await createEndpoint(t, receiver.url, { tenant });
    const { deliveries, idempotency_key } = await postEvent(t, { tenant, endpoint_ids: [endpointId] });
    const handle = new Client({ connection }).workflow.getHandle(`deliver:${tenant}:${idempotency_key}`);
    await eventually(() =>
      handle.describe().then(
        ({ raw }) => raw.pendingActivities?.some((one) => one.activityType?.name === 'recordOutcome'),
        () => false,
      ),
    );
    await workers.start();
    first.kill('SIGKILL');
    await t.pool.query(
      'create or replace function no_room() returns trigger language plpgsql as $$ begin return new; end $$',
    );
    const delivery = await deliveryIn(t, deliveries[0]!.id);
    expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
    expect(delivery.attempts).toMatchObject([{ number: 1, http_status: 200 }]);
    expect(receiver.requests).toHaveLength(1);
  } finally {
    workers.kill();
    await connection.close();
    await receiver.close();
    await t.stop();
  }
}, 240_000);
