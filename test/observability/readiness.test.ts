import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DatabaseAwayError } from '../../src/db/pool.js';
import type { Accepted } from '../../src/db/events.js';
import { createLogger } from '../../src/observability/logger.js';
import { createAcceptance } from '../../src/observability/readiness.js';
import { startPostgres, type EmbeddedPostgres } from '../../src/embedded/postgres.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** Mounts a small disk for Postgres; null where this machine forbids it. */
async function mountDisk(): Promise<{ dir: string; unmount(): Promise<void> } | null> {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200m,mode=711', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    await rm(dir, { recursive: true });
    return null;
  }
  return {
    dir,
    async unmount() {
      execFileSync('umount', [dir]);
      await rm(dir, { recursive: true });
    },
  };
}

const disk = await mountDisk();
let dir: string;
let postgres: EmbeddedPostgres;
let t: TestService;

beforeAll(async () => {
  dir = disk?.dir ?? (await mkdtemp(join(tmpdir(), 'surehook-read-only-')));
  await chmod(dir, 0o711);
  postgres = await startPostgres({ dir: join(dir, 'postgres'), settings: ['fsync=off'] });
  t = await startTestService({ databaseUrl: postgres.url });
});
afterAll(async () => {
  await t.stop();
  await postgres.stop();
  await (disk ? disk.unmount() : rm(dir, { recursive: true }));
});

const post = () => t.call('POST', '/v1/events', { type: 'a.b', payload: 1 });
const readyz = async () => {
  const { status, body } = await t.call('GET', '/readyz');
  return { status, postgres: body.postgres };
};
const ready = { status: 200, postgres: { ok: true } };
const unready = { status: 503, postgres: { ok: false } };

/** Fills the disk; returns a function that frees it again. */
async function fill(): Promise<() => Promise<void>> {
  const path = join(dir, 'filling');
  const file = await open(path, 'w');
  const block = Buffer.alloc(4096);
  try {
    for (;;) await file.write(block);
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  } finally {
    await file.close();
  }
  return () => rm(path);
}

test.skipIf(!disk)(
  'with the disk full, readiness is 503 although Postgres answers, and ok again with room',
  async () => {
    expect((await post()).status).toBe(202);
    expect(await readyz()).toEqual(ready);
    const empty = await fill();
    try {
      // No event was posted: readiness detects it by its own trial.
      await eventually(async () => (await readyz()).status === 503);
      expect((await t.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      await eventually(async () => (await post()).status === 503);
      // An event that still fitted into a page counts as a success for a second.
      await eventually(async () => (await readyz()).status === 503);
    } finally {
      await empty();
    }
    await eventually(async () => (await readyz()).status === 200);
    expect((await post()).status).toBe(202);
  },
);

test('readiness is 503 while Postgres is read-only, as after a fail-over', async () => {
  expect((await post()).status).toBe(202);
  const readOnly = async (on: boolean) => {
    // The role of the service may not change settings of the server.
    await writeFile(
      join(dir, 'postgres/data/postgresql.auto.conf'),
      `default_transaction_read_only = ${on ? 'on' : 'off'}\n`,
    );
    process.kill(postgres.pid, 'SIGHUP');
  };
  await readOnly(true);
  try {
    await eventually(async () => (await readyz()).status === 503);
    expect((await post()).status).toBe(503);
    expect(await readyz()).toEqual(unready);
  } finally {
    await readOnly(false);
  }
  await eventually(async () => (await readyz()).status === 200);
  expect((await post()).status).toBe(202);
});

test('readiness is 503 while a table is locked for longer than an event waits', async () => {
  const client = await t.pool.connect();
  try {
    await client.query('begin');
    await client.query('lock table open_deliveries in access exclusive mode');
    await eventually(async () => (await readyz()).status === 503);
  } finally {
    await client.query('rollback');
    client.release();
  }
  await eventually(async () => (await readyz()).status === 200);
});

test('asking for readiness stores nothing', async () => {
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const count = async () =>
    (await t.pool.query<{ count: number }>('select count(*)::int from events')).rows[0]!.count;
  const before = await count();
  expect(await readyz()).toEqual(ready);
  expect(await count()).toBe(before);
  expect((await t.call('GET', '/v1/events?type=surehook.readiness')).body).toMatchObject({ data: [] });
});

test('the outcome of the last events decides readiness before a trial does', async () => {
  const acceptance = createAcceptance(t.pool, createLogger('silent'));
  let fails = true;
  const accept = acceptance.watch(async () => {
    if (fails) throw new DatabaseAwayError('The database is overloaded.');
    return { kind: 'accepted' } as Accepted;
  });
  const event = {} as Parameters<typeof accept>[0];
  expect(await acceptance.possible()).toBe(true);
  await expect(accept(event)).rejects.toThrow('overloaded');
  expect(await acceptance.possible()).toBe(false);
  fails = false;
  await accept(event);
  expect(await acceptance.possible()).toBe(true);
  fails = true;
  await expect(accept(event)).rejects.toThrow('overloaded');
  // An event was stored less than a second ago.
  expect(await acceptance.possible()).toBe(true);
});
