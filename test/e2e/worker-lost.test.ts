import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, inject, test } from 'vitest';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver } from '../support/receiver.js';
import { startTestService } from '../support/service.js';
import { TASK_QUEUE } from '../../workflows/contract.js';

test('a worker that dies in the middle of a request leaves an attempt that says so, and another goes on', async () => {
  // Only an API here: the workers are processes that can be killed. They poll the product's own task queue.
  const t = await startTestService({
    role: 'api',
    taskQueue: TASK_QUEUE,
    databaseUrl: inject('databaseUrl'),
  });
  const receiver = await startReceiver({
    behave: (_request, index) => (index === 0 ? { hang: true } : { status: 200 }),
  });
  const workers: ChildProcess[] = [];
  const startWorker = async () => {
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
      },
    });
    workers.push(worker);
    await once(worker.stdout, 'data');
    return worker;
  };
  try {
    const first = await startWorker();
    const { id } = await createEndpoint(t, receiver.url, { timeout_ms: 30_000, tenant: 'lost' });
    const event = await postEvent(t, { tenant: 'lost', endpoint_ids: [id] });
    await receiver.waitFor((requests) => requests.length === 1);
    first.kill('SIGKILL');
    await startWorker();
    // Missed heartbeats tell the server, after 15 s.
    const delivery = await deliveryIn(t, event.deliveries[0]!.id, ['DELIVERED'], 60_000);
    expect(delivery.attempt_count).toBe(2);
    expect(delivery.attempts.map(({ number, classification }) => [number, classification])).toEqual([
      [1, 'WORKER_LOST'],
      [2, 'DELIVERED'],
    ]);
    expect(receiver.requests.map((request) => request.headers['webhook-attempt'])).toEqual(['1', '2']);
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    await receiver.close();
    await t.stop();
  }
}, 120_000);
