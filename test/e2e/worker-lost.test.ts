import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { expect, inject, test } from 'vitest';
import { STUCK } from '../faults/verdict.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver } from '../support/receiver.js';
import { createDatabase, eventually, startTestService, type TestService } from '../support/service.js';
import { TASK_QUEUE } from '../../workflows/contract.js';

/** Workers as processes that can be killed. They poll the product's own task queue. */
function workersOf(t: TestService) {
  const workers: ChildProcess[] = [];
  return {
    async start(env: Record<string, string> = {}) {
      const worker = spawn(process.execPath, ['--import', 'tsx', 'src/worker.ts'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          PATH: process.env.PATH,
          DATABASE_URL: t.databaseUrl,
          TEMPORAL_ADDRESS: inject('temporalAddress'),
          SUREHOOK_ADMIN_KEY: 'test-admin-key-of-enough-length',
          SUREHOOK_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64'),
          SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
          LOG_LEVEL: 'fatal',
          ...env,
        },
      });
      workers.push(worker);
      await once(worker.stdout, 'data');
      return worker;
    },
    kill: () => workers.forEach((worker) => worker.kill('SIGKILL')),
  };
}

const startApi = async () =>
  startTestService({
    role: 'api',
    taskQueue: TASK_QUEUE,
    databaseUrl: await createDatabase(`lost_${randomBytes(4).toString('hex')}`),
    sweepEveryMs: 200,
  });

test('a worker that dies in the middle of a request leaves an attempt that says so, and another goes on', async () => {
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
    first.kill('SIGKILL');
    await workers.start();
    // Missed heartbeats tell the server, after 15 s.
    const delivery = await deliveryIn(t, event.deliveries[0]!.id, ['DELIVERED'], 60_000);
    expect(delivery.attempt_count).toBe(2);
    expect(delivery.attempts.map(({ number, classification }) => [number, classification])).toEqual([
      [1, 'WORKER_LOST'],
      [2, 'DELIVERED'],
    ]);
    expect(receiver.requests.map((request) => request.headers['webhook-attempt'])).toEqual(['1', '2']);
  } finally {
    workers.kill();
    await receiver.close();
    await t.stop();
  }
}, 120_000);

test('a late attempt that dies with its worker is in the history before the next, and so is the last one allowed', async () => {
  const t = await startApi();
  const receiver = await startReceiver();
  const workers = workersOf(t);
  try {
    // 5 s, 15 s, 45 s … become 0 ms; where a worker dies, Temporal waits as if they had not.
    const first = await workers.start({ SUREHOOK_RETRY_SCALE: '0.0000001' });
    const tenant = 'lost_late';
    const late = await createEndpoint(t, `${receiver.url}/late`, { timeout_ms: 30_000, tenant });
    const last = await createEndpoint(t, `${receiver.url}/last`, { timeout_ms: 30_000, tenant });
    receiver.setBehaviour(({ path, headers }) =>
      path.endsWith('/last') || headers['webhook-attempt'] === '7' ? { hang: true } : { status: 500 },
    );
    const post = async ({ id }: { id: string }) =>
      (await postEvent(t, { tenant, endpoint_ids: [id] })).deliveries[0]!.id;
    const lateId = await post(late);
    await t.call('POST', `/v1/endpoints/${last.id}/pause`);
    const lastId = await post(last);
    await t.pool.query('update deliveries set attempt_count = 11, lane = $2 where id = $1', [
      lastId,
      'workflow',
    ]);
    await t.call('POST', `/v1/endpoints/${last.id}/resume`);
    const hanging = (path: string, number: string) =>
      receiver.waitFor(
        (requests) => requests.some((r) => r.path.endsWith(path) && r.headers['webhook-attempt'] === number),
        20_000,
      );
    await hanging('/late', '7');
    await hanging('/last', '12');
    first.kill('SIGKILL');
    await workers.start();

    const ended = await deliveryIn(t, lastId, ['FAILED'], 60_000);
    expect(ended).toMatchObject({ status_reason: 'WORKER_LOST', attempt_count: 12 });
    expect(ended.attempts).toMatchObject([{ number: 12, classification: 'WORKER_LOST' }]);

    // As a minute and more after it was due: Temporal makes the next in an hour.
    await t.pool.query(
      `update deliveries set due_at = now(), next_attempt_at = now() - interval '2 minutes' where id = $1`,
      [lateId],
    );
    expect((await t.pool.query<{ count: number }>(STUCK)).rows).toEqual([{ count: 1 }]);
    const noted = await eventually(async () => {
      await t.pool.query('update deliveries set due_at = now() where id = $1 and attempt_count = 6', [
        lateId,
      ]);
      const delivery = await getDelivery(t, lateId);
      return delivery.attempt_count === 7 && delivery;
    }, 30_000);
    expect(noted).toMatchObject({ status: 'IN_PROGRESS', last_classification: 'WORKER_LOST' });
    expect(Date.parse(String(noted.next_attempt_at))).toBeGreaterThan(Date.now() + 1_800_000);
    expect((await t.pool.query<{ count: number }>(STUCK)).rows).toEqual([{ count: 0 }]);

    receiver.setBehaviour(() => ({ status: 200 }));
    expect((await t.call('POST', `/v1/deliveries/${lateId}/retry`)).status).toBe(202);
    const delivered = await deliveryIn(t, lateId);
    expect(delivered).toMatchObject({ status: 'DELIVERED', attempt_count: 8 });
    expect(delivered.attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  } finally {
    workers.kill();
    await receiver.close();
    await t.stop();
  }
}, 150_000);
