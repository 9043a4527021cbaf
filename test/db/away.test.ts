import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { transaction } from '../../src/db/pool.js';
import { startPostgres, type EmbeddedPostgres } from '../../src/embedded/postgres.js';
import { freezeTree, thawTree } from '../faults/process-tree.js';
import { eventually, startTestService, type Answer, type TestService } from '../support/service.js';

let dir: string;
let postgres: EmbeddedPostgres;
let t: TestService;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-away-'));
  await chmod(dir, 0o711);
  postgres = await startPostgres({ dir, settings: ['fsync=off'] });
  t = await startTestService({ databaseUrl: postgres.url });
});
afterAll(async () => {
  await t.stop();
  await postgres.stop();
  await rm(dir, { recursive: true, force: true });
});

const post = () => t.call('POST', '/v1/events', { type: 'a.b', payload: 1 });

async function timed(
  work: () => Promise<Answer>,
): Promise<{ status: number; retry: string | null; detail: string; ms: number }> {
  const began = Date.now();
  const { status, headers, body } = await work();
  return {
    ...{ status, retry: headers.get('retry-after'), ms: Date.now() - began },
    detail: String(body.detail),
  };
}

test('while Postgres hangs, posts get 503 in bounded time, then at once, and do not pile up', async () => {
  expect((await post()).status).toBe(202);
  freezeTree(postgres.pid);
  try {
    const first = await Promise.all(Array.from({ length: 200 }, () => timed(post)));
    for (const answer of first) {
      expect(answer).toMatchObject({ status: 503, retry: '1' });
      expect(answer.ms).toBeLessThan(8_000);
    }
    // A frozen server may still run a statement that it received.
    expect(first.some(({ detail }) => /not known whether this was stored/.test(detail))).toBe(true);
    const next = await Promise.all(Array.from({ length: 50 }, () => timed(post)));
    expect(next.every(({ status }) => status === 503)).toBe(true);
    expect(next.filter(({ detail }) => /nothing was accepted/.test(detail)).length).toBeGreaterThanOrEqual(
      49,
    );
    // One post asks Postgres again, which takes 4.5 seconds at least; the others do not wait.
    expect(next.filter(({ ms }) => ms < 4_000).length).toBeGreaterThanOrEqual(49);
    expect((await fetch(`${t.service.url}/metrics`)).status).toBe(200);
  } finally {
    thawTree(postgres.pid);
  }
  await expect.poll(async () => (await post()).status, { timeout: 60_000, interval: 200 }).toBe(202);
});

test('while Postgres is down, posts get 503 at once, and 202 when it is back', async () => {
  await postgres.stop();
  for (let i = 0; i < 5; i++) {
    const answer = await timed(post);
    expect(answer).toMatchObject({ status: 503, retry: '1' });
    // Not the five seconds that a connection may take.
    expect(answer.ms).toBeLessThan(4_000);
  }
  const metrics = await fetch(`${t.service.url}/metrics`);
  expect(metrics.status).toBe(200);
  expect(await metrics.text()).not.toMatch(/^surehook_overdue_deliveries \d/m);
  postgres = await startPostgres({ dir, port: postgres.port, settings: ['fsync=off'] });
  await expect.poll(async () => (await post()).status, { timeout: 60_000, interval: 200 }).toBe(202);
});

test('a connection that breaks between two statements fails only its transaction', async () => {
  const broken = transaction(t.pool, async (db) => {
    const { rows } = await db.query<{ pid: number }>('select pg_backend_pid() as pid');
    await t.pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
    await eventually(async () => {
      const still = await t.pool.query('select from pg_stat_activity where pid = $1', [rows[0]!.pid]);
      return still.rowCount === 0;
    });
    await db.query('select 1');
  });
  await expect(broken).rejects.toThrow();
  expect((await post()).status).toBe(202);
});
