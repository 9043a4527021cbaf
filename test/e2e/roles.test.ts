import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { startTemporal, type EmbeddedTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { startReceiver } from '../support/receiver.js';
import { createDatabase, eventually } from '../support/service.js';

const required = {
  SUREHOOK_ADMIN_KEY: 'test-admin-key-of-enough-length',
  SUREHOOK_ENCRYPTION_KEY: Buffer.alloc(32, 2).toString('base64'),
};

function start(file: string, env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    env: { PATH: process.env.PATH, ...env },
  });
  const run = { child, out: '', err: '', exit: once(child, 'close') as Promise<[number | null]> };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (run.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (run.err += text));
  return run;
}

test('API and worker as processes of their own deliver together and stop on SIGTERM', async () => {
  const port = await freePort();
  const env = {
    ...required,
    PORT: String(port),
    DATABASE_URL: inject('databaseUrl'),
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
    LOG_LEVEL: 'warn',
  };
  const receiver = await startReceiver();
  const api = start('src/api.ts', env);
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

    const worker = start('src/worker.ts', env);
    runs.push(worker);
    await receiver.waitFor((requests) => requests.length === 1, 60_000);
    expect(await readyz()).toMatchObject({ status: 'ok', workers: { ok: true } });
    for (const run of runs) run.child.kill('SIGTERM');
    for (const run of runs) expect((await run.exit)[0]).toBe(0);
  } finally {
    for (const { child } of runs) if (child.exitCode === null) child.kill('SIGKILL');
    await receiver.close();
  }
}, 120_000);

test('an API accepts events before Temporal is there, delivers them after, and stops while it is away again', async () => {
  const [port, temporalPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...required,
    PORT: String(port),
    // A database of its own: other tests' sweepers would start its workflows.
    DATABASE_URL: await createDatabase(`early_${port}`),
    TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
    SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
    LOG_LEVEL: 'warn',
  };
  const receiver = await startReceiver();
  const dir = await mkdtemp(join(tmpdir(), 'surehook-early-'));
  const runs = [start('src/api.ts', env), start('src/worker.ts', env)];
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

    const binary = await findTemporal({ progress: () => {}, env: process.env });
    temporal = await startTemporal({ binary, dir, inMemory: true, uiPort: null, port: temporalPort });
    await receiver.waitFor((requests) => requests.length === 1, 60_000);
    await eventually(async () => runs[1]!.out.includes('surehook worker ready'));

    await temporal.stop();
    temporal = undefined;
    const asked = Date.now();
    for (const run of runs) run.child.kill('SIGTERM');
    for (const run of runs) expect((await run.exit)[0]).toBe(0);
    expect(Date.now() - asked).toBeLessThan(50_000);
  } finally {
    for (const { child } of runs) if (child.exitCode === null) child.kill('SIGKILL');
    await temporal?.stop();
    await receiver.close();
    await rm(dir, { recursive: true });
  }
}, 180_000);

test('what production must set is named, all of it', async () => {
  const run = start('src/worker.ts', {});
  expect((await run.exit)[0]).toBe(1);
  expect(run.err).toMatch(
    /^DATABASE_URL, TEMPORAL_ADDRESS, SUREHOOK_ADMIN_KEY, SUREHOOK_ENCRYPTION_KEY must be set/,
  );
}, 30_000);
