import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { TASK_QUEUE } from '../../workflows/contract.js';
import { createEndpoint, deliveryIn, postEvent, type Accepted } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  ADMIN_KEY,
  createDatabase,
  eventually,
  startTestService,
  type TestService,
} from '../support/service.js';

const SCALE = 0.05;
/** Minimum times between the first four attempts: 40 s by Retry-After, then 15 s and 45 s less 20 %, all scaled. */
const RETRY_AFTER_S = 40;
const LEAST_MS = [RETRY_AFTER_S, 12, 36].map((seconds) => seconds * 1_000 * SCALE);

/** An API, with its first attempts, whose clock differs from that of Postgres, Temporal and this process. */
async function startApi(databaseUrl: string, offsetMs: number, workflows: 'all' | 'none') {
  const preload = ['tsx', './test/support/shifted-clock.ts'].flatMap((file) => ['--import', file]);
  const child = spawn(process.execPath, [...preload, 'dist/src/api.js'], {
    env: {
      ...{ PATH: process.env.PATH, PORT: '0', LOG_LEVEL: 'warn', CLOCK_OFFSET_MS: String(offsetMs) },
      ...{ SUREHOOK_ADMIN_KEY: ADMIN_KEY, SUREHOOK_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64') },
      ...{ DATABASE_URL: databaseUrl, TEMPORAL_ADDRESS: inject('temporalAddress') },
      ...{ SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8', SUREHOOK_RETRY_SCALE: String(SCALE) },
      SUREHOOK_WORKFLOWS: workflows,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, url: await readyUrl(child) };
}

function readyUrl(child: ChildProcess): Promise<string> {
  let out = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text));
  return eventually(() => {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}.`);
    return Promise.resolve(/ready on (\S+)/.exec(out)?.[1]);
  });
}

describe.each([
  { minutes: -2, workflows: 'none', by: 'the queue' },
  { minutes: 2, workflows: 'none', by: 'the queue' },
  { minutes: -2, workflows: 'all', by: 'the activity' },
  { minutes: 2, workflows: 'all', by: 'the activity' },
] as const)('an API whose clock is $minutes minutes off, with retries by $by', ({ minutes, workflows }) => {
  /** Worker and database have the clock of this machine; requests go to the API in the other process. */
  let t: TestService;
  let child: ChildProcess;
  let receiver: Receiver;

  beforeAll(async () => {
    const databaseUrl = await createDatabase(`clock_${workflows}_${minutes + 2}_${process.pid}`);
    t = await startTestService({
      ...{ role: 'worker', databaseUrl, taskQueue: TASK_QUEUE, retryScale: SCALE, workflows },
    });
    const api = await startApi(databaseUrl, minutes * 60_000, workflows);
    child = api.child;
    t.service.url = api.url;
  });
  afterAll(async () => {
    child.kill('SIGTERM');
    await once(child, 'close');
    await t.stop();
  });
  beforeEach(async () => {
    receiver = await startReceiver({
      behave: (_request, index) => {
        if (index === 0) return { status: 503, headers: { 'retry-after': String(RETRY_AFTER_S) } };
        return { status: index < 3 ? 503 : 200 };
      },
    });
    await createEndpoint(t, receiver.url);
    return () => receiver.close();
  });

  test('attempts are as far apart as configured', async () => {
    const { deliveries } = await postEvent(t);
    const delivery = await deliveryIn(t, deliveries[0]!.id);
    expect(delivery).toMatchObject({ status: 'DELIVERED' });
    expect(delivery.attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
    const between = receiver.requests.slice(1).map(({ at }, i) => at - receiver.requests[i]!.at);
    between.forEach((ms, i) => expect(ms).toBeGreaterThanOrEqual(LEAST_MS[i]!));
  });

  test('a key counts as used, and its event as created, when Postgres stored them', async () => {
    const event = { type: 'a.b', payload: 1, idempotency_key: 'key' };
    const post = async () =>
      (await t.call<Accepted & { created_at: string }>('POST', '/v1/events', event)).body;
    const first = await post();
    const { rows } = await t.pool.query<{ seconds: number }>(
      `select abs(extract(epoch from now() - least(created_at, accepted_at)))::float8 as seconds
       from events e join idempotency_keys k on k.event_id = e.id where e.id = $1`,
      [first.id],
    );
    expect(rows[0]!.seconds).toBeLessThan(60);
    expect(await post()).toMatchObject({ id: first.id, duplicate: true, created_at: first.created_at });
    const usedSince = (minutes: number) =>
      t.pool.query(
        `update idempotency_keys set accepted_at = now() - interval '72 hours' + $2 where event_id = $1`,
        [first.id, `${minutes} minutes`],
      );
    await usedSince(1);
    expect(await post()).toMatchObject({ id: first.id, duplicate: true });
    await usedSince(-1);
    expect(await post()).toMatchObject({ duplicate: false });
  });
});
