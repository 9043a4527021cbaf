import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { startPostgres, type EmbeddedPostgres } from '../../src/embedded/postgres.js';
import { postEvent } from '../support/path.js';
import { startTestService, type TestService } from '../support/service.js';

let dir: string;
let postgres: EmbeddedPostgres;

/** A separate Postgres whose log has every statement with its connection. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-strangers-'));
  await chmod(dir, 0o711);
  const settings = ['fsync=off', 'log_statement=all', 'log_line_prefix=connection %p '];
  postgres = await startPostgres({ dir, settings });
});
afterAll(async () => {
  await postgres.stop();
  await rm(dir, { recursive: true, force: true });
});

/** The connection of each statement that contains `text` and was logged after `offset`. */
async function connectionsOf(text: string, offset: number): Promise<string[]> {
  const log = (await readFile(join(dir, 'postgres.log'), 'utf8')).slice(offset);
  const statements = log.split(/^(?=connection \d+ LOG: {2}(?:statement|execute))/m);
  return statements.filter((one) => one.includes(text)).map((one) => /^connection (\d+)/.exec(one)![1]!);
}
const logged = async () => (await readFile(join(dir, 'postgres.log'), 'utf8')).length;

/** Requests `path` in twenty concurrent loops for `ms`; returns the number of answers by status. */
async function flood(url: string, path: string, ms: number): Promise<Record<number, number>> {
  const counts: Record<number, number> = {};
  const until = Date.now() + ms;
  const one = async () => {
    while (Date.now() < until) {
      const response = await fetch(url + path);
      await response.arrayBuffer();
      counts[response.status] = (counts[response.status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 20 }, one));
  return counts;
}

test('a flood of /readyz and /metrics queries Postgres once a second each, on connections that events do not use', async () => {
  const t: TestService = await startTestService({ databaseUrl: postgres.url, pollEveryMs: 3_600_000 });
  try {
    const offset = await logged();
    const began = Date.now();
    const [readyz, metrics] = await Promise.all([
      flood(t.service.url!, '/readyz', 3_000),
      flood(t.service.url!, '/metrics', 3_000),
    ]);
    const seconds = (Date.now() - began) / 1_000;
    expect(Object.keys(readyz)).toEqual(['200']);
    expect(readyz[200]).toBeGreaterThanOrEqual(20);
    expect(metrics[200]).toBeGreaterThanOrEqual(20);
    const [tried, counted] = await Promise.all([
      connectionsOf('insert into pg_temp.surehook_room', offset),
      connectionsOf('as oldest', offset),
    ]);
    for (const statements of [tried, counted]) {
      expect(statements.length).toBeGreaterThanOrEqual(1);
      expect(statements.length).toBeLessThanOrEqual(seconds + 2);
      expect(new Set(statements).size).toBe(1);
    }
    const before = await logged();
    await postEvent(t, {});
    const [event] = await connectionsOf('insert into idempotency_keys', before);
    expect(event).toBeDefined();
    expect([...tried, ...counted]).not.toContain(event);
  } finally {
    await t.stop();
  }
});

test('with METRICS_PORT, the API serves metrics on that port only, and readiness on both', async () => {
  const metricsPort = await freePort();
  const t = await startTestService({ databaseUrl: postgres.url, metricsPort });
  try {
    const apart = `http://127.0.0.1:${metricsPort}`;
    expect((await fetch(`${t.service.url}/metrics`)).status).toBe(404);
    expect(await (await fetch(`${apart}/metrics`)).text()).toContain('surehook_open_deliveries');
    for (const url of [t.service.url, apart]) expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await fetch(`${apart}/v1/events`)).status).toBe(404);
  } finally {
    await t.stop();
  }
});
