import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { startTemporal, type EmbeddedTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { startOwnTemporal } from '../support/own-temporal.js';
import { startReceiver } from '../support/receiver.js';
import { CLI, runNode as start } from '../support/run-process.js';
import { createDatabase, eventually } from '../support/service.js';

const required = {
  SUREHOOK_ADMIN_KEY: 'test-admin-key-of-enough-length',
  SUREHOOK_ENCRYPTION_KEY: Buffer.alloc(32, 2).toString('base64'),
};

const isUp = (url: string) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );

test.concurrent(
  'an API that makes no attempts and a worker deliver together and stop on SIGTERM',
  async () => {
    const port = await freePort();
    const temporal = await startOwnTemporal();
    const env = {
      ...required,
      PORT: String(port),
      DATABASE_URL: await createDatabase(`apart_${port}`),
      TEMPORAL_ADDRESS: temporal.address,
      SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
      LOG_LEVEL: 'warn',
    };
    const receiver = await startReceiver();
    const api = start('dist/src/api.js', { ...env, SUREHOOK_ATTEMPTS: 'false' });
    const url = `http://127.0.0.1:${port}`;
    const readyz = async () =>
      (await (await fetch(`${url}/readyz`)).json()) as { status: string; workers: { ok: boolean } };
    const runs = [api];
    try {
      await eventually(async () => api.out.includes(`surehook ready on ${url}`), 60_000);
      expect(await readyz()).toMatchObject({ status: 'degraded', workers: { ok: false } });
      const response = await fetch(`${url}/v1/send`, {
        method: 'POST',
        headers: { authorization: `Bearer ${required.SUREHOOK_ADMIN_KEY}` },
        body: JSON.stringify({ url: receiver.url, payload: { apart: true } }),
      });
      expect(response.status).toBe(202);
      expect(receiver.requests).toEqual([]);

      const metricsPort = await freePort();
      const worker = start('dist/src/worker.js', { ...env, METRICS_PORT: String(metricsPort) });
      runs.push(worker);
      await receiver.waitFor((requests) => requests.length === 1, 60_000);
      // The poller of the worker may be faster than its connection to Temporal.
      await eventually(async () => (await readyz()).status === 'ok');
      expect(await readyz()).toMatchObject({ status: 'ok', workers: { ok: true } });
      // The worker makes the attempts and counts them.
      const ofWorker = `http://127.0.0.1:${metricsPort}`;
      const metrics = async () => (await fetch(`${ofWorker}/metrics`)).text();
      await eventually(async () => (await metrics()).includes('{classification="DELIVERED"} 1'));
      expect((await fetch(`${ofWorker}/healthz`)).status).toBe(200);
      expect(await (await fetch(`${ofWorker}/readyz`)).json()).toMatchObject({ status: 'ok' });
      expect((await fetch(`${ofWorker}/v1/events`)).status).toBe(404);
      for (const run of runs) run.child.kill('SIGTERM');
      for (const run of runs) expect((await run.exit)[0], run.out + run.err).toBe(0);
    } finally {
      for (const { child } of runs) if (child.exitCode === null) child.kill('SIGKILL');
      await receiver.close();
      await temporal.stop();
    }
  },
  120_000,
);

test.concurrent(
  'an API delivers events before Temporal is there, starts their workflows after, and stops while it is away',
  async () => {
    const [port, temporalPort] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${port}`;
    const databaseUrl = await createDatabase(`early_${port}`);
    const env = {
      ...required,
      PORT: String(port),
      // A database of its own: the backfill of another service would start its workflows elsewhere.
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
      SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
      LOG_LEVEL: 'warn',
    };
    const receiver = await startReceiver();
    const dir = await mkdtemp(join(tmpdir(), 'surehook-early-'));
    const runs = [start('dist/src/api.js', env), start('dist/src/worker.js', env)];
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    let temporal: EmbeddedTemporal | undefined;
    try {
      await eventually(async () => runs[0]!.out.includes(`surehook ready on ${url}`), 60_000);
      const post = await fetch(`${url}/v1/send`, {
        method: 'POST',
        headers: { authorization: `Bearer ${required.SUREHOOK_ADMIN_KEY}` },
        body: JSON.stringify({ url: receiver.url, payload: { early: true } }),
      });
      expect(post.status).toBe(202);
      const readyz = await fetch(`${url}/readyz`);
      expect(readyz.status).toBe(200);
      expect(await readyz.json()).toMatchObject({ status: 'degraded', temporal: { ok: false } });
      expect(runs[1]!.out).toBe('');
      await receiver.waitFor((requests) => requests.length === 1, 30_000);
      const isStarted = async () => (await pool.query('select from workflow_starts')).rowCount === 0;
      // Written by the first start that failed.
      await eventually(async () => !(await isStarted()));

      const binary = await findTemporal({ progress: () => {}, env: process.env });
      temporal = await startTemporal({ binary, dir, inMemory: true, uiPort: null, port: temporalPort });
      await eventually(async () => runs[1]!.out.includes('surehook worker ready'));
      // A start that was claimed and failed is tried again after a minute.
      await eventually(isStarted, 120_000);
      expect(receiver.requests).toHaveLength(1);

      await temporal.stop();
      temporal = undefined;
      const asked = Date.now();
      for (const run of runs) run.child.kill('SIGTERM');
      for (const run of runs) expect((await run.exit)[0], run.out + run.err).toBe(0);
      expect(Date.now() - asked).toBeLessThan(50_000);
    } finally {
      for (const { child } of runs) if (child.exitCode === null) child.kill('SIGKILL');
      await temporal?.stop();
      await pool.end();
      await receiver.close();
      await rm(dir, { recursive: true });
    }
  },
  240_000,
);

test.concurrent(
  'a process that never reached Temporal stops at once',
  async () => {
    const port = await freePort();
    const env = {
      ...required,
      PORT: String(port),
      DATABASE_URL: await createDatabase(`unreached_${port}`),
      TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
      LOG_LEVEL: 'warn',
    };
    const metricsPort = await freePort();
    const runs = [
      start('dist/src/api.js', env),
      start('dist/src/worker.js', { ...env, METRICS_PORT: String(metricsPort) }),
    ];
    try {
      for (const listening of [port, metricsPort]) {
        await eventually(() => isUp(`http://127.0.0.1:${listening}`), 60_000);
      }
      const asked = Date.now();
      for (const run of runs) run.child.kill('SIGTERM');
      for (const run of runs) expect((await run.exit)[0], run.out + run.err).toBe(0);
      // A stop that waited for Temporal would take 45 s.
      expect(Date.now() - asked).toBeLessThan(20_000);
    } finally {
      for (const { child } of runs) if (child.exitCode === null) child.kill('SIGKILL');
    }
  },
  120_000,
);

test.concurrent(
  'a second signal ends a process in the middle of a request, and the next start loses nothing',
  async () => {
    const port = await freePort();
    const databaseUrl = await createDatabase(`second_${port}`);
    const temporal = await startOwnTemporal();
    const env = {
      ...required,
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporal.address,
      SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
      SUREHOOK_RETRY_SCALE: '0.01',
      LOG_LEVEL: 'warn',
    };
    const receiver = await startReceiver();
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    const runs = [start('dist/src/api.js', env), start('dist/src/worker.js', env)];
    try {
      await eventually(() => isUp(`http://127.0.0.1:${port}`), 60_000);
      await eventually(async () => runs[1]!.out.includes('surehook worker ready'), 60_000);
      receiver.setBehaviour(() => ({ hang: true }));
      const post = await fetch(`http://127.0.0.1:${port}/v1/send`, {
        method: 'POST',
        headers: { authorization: `Bearer ${required.SUREHOOK_ADMIN_KEY}` },
        body: JSON.stringify({ url: receiver.url, payload: { twice: true } }),
      });
      expect(post.status).toBe(202);
      await receiver.waitFor((requests) => requests.length === 1, 30_000);
      const [sender] = runs as [(typeof runs)[0]];
      sender.child.kill('SIGTERM');
      // Repeated at once, as npm and a terminal both pass it on: it counts once.
      sender.child.kill('SIGINT');
      await sleep(1_500);
      expect(sender.child.exitCode).toBe(null);
      sender.child.kill('SIGTERM');
      expect((await sender.exit)[0]).toBe(1);

      receiver.setBehaviour(() => ({ status: 200 }));
      runs.push(start('dist/src/api.js', env));
      const read = async () => {
        const { rows } = await pool.query<{ status: string; attempts: string[] }>(
          `select status, array(select classification from attempts a where a.delivery_id = d.id order by number)
             as attempts from all_deliveries d`,
        );
        return rows[0]!;
      };
      await eventually(async () => (await read()).status === 'DELIVERED', 90_000);
      expect((await read()).attempts).toEqual(['WORKER_LOST', 'DELIVERED']);
      expect(receiver.requests).toHaveLength(2);
    } finally {
      for (const { child } of runs) if (child.exitCode === null) child.kill('SIGKILL');
      await pool.end();
      await receiver.close();
      await temporal.stop();
    }
  },
  180_000,
);

test.concurrent(
  'a database is migrated by a process of its own, once',
  async () => {
    const databaseUrl = await createDatabase('migrated_alone');
    const first = start(CLI, { DATABASE_URL: databaseUrl }, ['migrate']);
    expect([(await first.exit)[0], first.out]).toEqual([
      0,
      expect.stringMatching(/^migrated: 0001_core\.sql, /),
    ]);
    const second = start(CLI, { DATABASE_URL: databaseUrl }, ['migrate']);
    expect([(await second.exit)[0], second.out]).toEqual([0, 'nothing to migrate\n']);
    const none = start(CLI, {}, ['migrate']);
    expect([(await none.exit)[0], none.err]).toEqual([1, 'error: DATABASE_URL must be set.\n']);
  },
  60_000,
);

test.concurrent(
  'a worker that lacks variables of production names all of them',
  async () => {
    const run = start('dist/src/worker.js', {});
    expect((await run.exit)[0]).toBe(1);
    expect(run.err).toMatch(
      /^DATABASE_URL, TEMPORAL_ADDRESS, SUREHOOK_ADMIN_KEY, SUREHOOK_ENCRYPTION_KEYS must be set/,
    );
  },
  30_000,
);
