import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createEndpoint } from '../support/path.js';
import { startTestService } from '../support/service.js';

const RIGHT = Buffer.alloc(32, 1).toString('base64');
const OTHER = Buffer.alloc(32, 2).toString('base64');
const REFUSAL =
  "SUREHOOK_ENCRYPTION_KEY is not the key that this database's secrets are encrypted with; start with that key, by default in DATA_DIR/encryption-key.";

let databaseUrl: string;
let pool: pg.Pool;
let dir: string;

beforeAll(async () => {
  const t = await startTestService({ encryptionKey: RIGHT });
  ({ databaseUrl } = t);
  await createEndpoint(t, 'http://127.0.0.1:9/');
  await t.stop();
  pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  dir = await mkdtemp(join(tmpdir(), 'surehook-key-'));
});
afterAll(async () => {
  await pool.end();
  await rm(dir, { recursive: true });
});

/** The service as it is started by hand, until it is ready or ends. */
async function start(file: string, key: string, args: string[] = []) {
  const child = spawn(process.execPath, [file, ...args], {
    env: {
      PATH: process.env.PATH,
      DATA_DIR: join(dir, 'data'),
      PORT: '0',
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      SUREHOOK_ADMIN_KEY: 'test-admin-key-of-enough-length',
      SUREHOOK_ENCRYPTION_KEY: key,
      LOG_LEVEL: 'warn',
    },
  });
  let [out, err] = ['', ''];
  const ready = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (/surehook (worker )?ready/.test(out)) resolve();
    });
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const closed = once(child, 'close') as Promise<[number | null]>;
  await Promise.race([ready, closed]);
  const isReady = child.exitCode === null;
  if (isReady) child.kill('SIGTERM');
  const [code] = await closed;
  return { isReady, code, err: err.trim() };
}

/** All that a start with a wrong key could have changed. */
async function state(): Promise<unknown> {
  const { rows } = await pool.query<{ relname: string }>(
    `select relname from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 1`,
  );
  return Promise.all(
    rows.map(async ({ relname }) => [relname, (await pool.query(`select * from ${relname}`)).rows]),
  );
}

test.each([
  ['npm start', 'dist/src/main.js', []],
  ['npm start in two processes', 'dist/src/main.js', ['--processes', '2']],
  ['an API', 'dist/src/api.js', []],
  ['a worker', 'dist/src/worker.js', []],
] as const)(
  '%s with another key is refused in one sentence, and writes nothing',
  async (_name, file, args) => {
    const before = await state();
    const run = await start(file, OTHER, [...args]);
    expect(run).toEqual({ isReady: false, code: 1, err: REFUSAL });
    expect(await state()).toEqual(before);
  },
);

test('the right key starts', async () => {
  expect(await start('dist/src/api.js', RIGHT)).toEqual({ isReady: true, code: 0, err: '' });
});

test('a database without the check value is judged by its secrets, and gets one', async () => {
  await pool.query('delete from encryption_check');
  const before = await state();
  expect(await start('dist/src/api.js', OTHER)).toEqual({ isReady: false, code: 1, err: REFUSAL });
  expect(await state()).toEqual(before);

  expect(await start('dist/src/worker.js', RIGHT)).toMatchObject({ isReady: true, code: 0 });
  expect((await pool.query('select 1 from encryption_check')).rowCount).toBe(1);
  // From now on the check value alone is enough.
  await pool.query('delete from endpoint_secrets');
  expect(await start('dist/src/api.js', OTHER)).toMatchObject({ isReady: false, err: REFUSAL });
});
