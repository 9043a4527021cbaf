import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { CONTROL_CHANNEL } from '../../src/db/pauses.js';
import { migrate } from '../../src/db/migrate.js';
import { createKillSwitch, type KillSwitch } from '../../src/delivery/kill-switch.js';
import { createLogger } from '../../src/observability/logger.js';
import { createDatabase, eventually } from '../support/service.js';

let pool: pg.Pool;
let control: KillSwitch;

beforeAll(async () => {
  const databaseUrl = await createDatabase(`control_${Date.now()}`);
  await migrate(databaseUrl);
  pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  control = await createKillSwitch({ databaseUrl, pauseFile: undefined, log: createLogger('silent') });
});
afterAll(async () => {
  await control.close();
  await pool.end();
});
afterEach(() => set(false));

/** Behind everybody's back: without a notification. */
const write = (paused: boolean) =>
  pool.query(
    paused
      ? `insert into control (scope, reason, paused_by) values ('all', 'test', 'test')`
      : 'delete from control',
  );
const notify = () => pool.query(`notify ${CONTROL_CHANNEL}`);

/** How long it takes until it is known here. */
async function known(paused: boolean): Promise<number> {
  const began = performance.now();
  await eventually(async () => (control.paused('acme') !== null) === paused, 10_000);
  return performance.now() - began;
}

async function set(paused: boolean): Promise<number> {
  await write(paused);
  await notify();
  return known(paused);
}

test('a pause that is notified is known at once, not when it is asked for next', async () => {
  const times: number[] = [];
  for (let i = 0; i < 10; i++) times.push(await set(i % 2 === 0));
  expect(times.sort((a, b) => a - b)[5]).toBeLessThan(150);
});

test('a pause whose notification got lost is known within a second', async () => {
  await write(true);
  expect(await known(true)).toBeLessThan(1_000);
  expect(control.paused('acme')).toBe('everything paused: test');
});

test('so it is where the connection was lost, too', async () => {
  const times: number[] = [];
  // A busy machine may take longer once.
  for (let i = 0; i < 3; i++) {
    const { rowCount } = await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'surehook control' and datname = current_database()`,
    );
    expect(rowCount).toBe(1);
    await write(true);
    times.push(await known(true));
    await write(false);
    await known(false);
  }
  expect(Math.min(...times)).toBeLessThan(1_000);
  // The process listens again, too.
  expect(Math.min(await set(true), await set(false), await set(true))).toBeLessThan(150);
});

test('a listener is called once for a change, and with null when changes may have been missed', async () => {
  let told = 0;
  const endpoints: (string | null)[] = [];
  control.onChange(() => (told += 1));
  control.onEndpoint((id) => endpoints.push(id));
  await set(true);
  expect(told).toBe(1);
  await pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'surehook control' and datname = current_database()`,
  );
  await eventually(async () => endpoints.includes(null), 5_000);
});

test('a process that was frozen is alive again, but not for the claims of before', async () => {
  const before = performance.now();
  await eventually(() => Promise.resolve(control.alive(before)));
  const now = performance.now.bind(performance);
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 12_000);
  try {
    await eventually(() => Promise.resolve(control.alive()), 10_000);
    expect(control.alive(before)).toBe(false);
    expect(control.alive(performance.now())).toBe(true);
  } finally {
    vi.restoreAllMocks();
  }
});
