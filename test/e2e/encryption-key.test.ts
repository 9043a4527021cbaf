import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import { createEndpoint } from '../support/path.js';
import { CLI } from '../support/run-process.js';
import { startTestService } from '../support/service.js';

const RIGHT = Buffer.alloc(32, 1).toString('base64');
const OTHER = Buffer.alloc(32, 2).toString('base64');
const idOf = (key: string) => createSecretCipher([key]).keyIds[0]!;
const REFUSAL =
  `This database has secrets that are encrypted with the key ${idOf(RIGHT)}, which is not in SUREHOOK_ENCRYPTION_KEYS ` +
  `(by default in DATA_DIR/encryption-key): add it. Keys that are there: ${idOf(OTHER)}. See docs/encryption.md if it is lost.`;

let databaseUrl: string;
let pool: pg.Pool;
let dir: string;

beforeAll(async () => {
  const t = await startTestService({ encryptionKeys: [RIGHT] });
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

/** A command until it ends. */
async function run(keys: string, args: string[]) {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl, SUREHOOK_ENCRYPTION_KEYS: keys },
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out: out.trim(), err: err.trim() };
}

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
      SUREHOOK_ENCRYPTION_KEYS: key,
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

test('a new key goes first beside the old one, and from then on both are needed', async () => {
  expect(await start('dist/src/worker.js', `${OTHER},${RIGHT}`)).toMatchObject({ isReady: true, code: 0 });
  const { rows } = await pool.query<{ id: string }>('select id from encryption_keys order by id');
  expect(rows.map(({ id }) => id)).toEqual([idOf(RIGHT), idOf(OTHER)].sort());
  for (const [key, missing] of [
    [RIGHT, OTHER],
    [OTHER, RIGHT],
  ] as const) {
    const run = await start('dist/src/api.js', key);
    expect(run).toMatchObject({ isReady: false, code: 1 });
    expect(run.err).toContain(`with the key ${idOf(missing)}, which is not in SUREHOOK_ENCRYPTION_KEYS`);
  }
  expect(await start('dist/src/api.js', `${RIGHT},${OTHER}`)).toMatchObject({ isReady: true, code: 0 });
});

test('surehook keys rotate-encryption encrypts with the new key, after which the old one is not needed', async () => {
  const rotated = await run(`${OTHER},${RIGHT}`, ['keys', 'rotate-encryption']);
  expect(rotated).toEqual({
    code: 0,
    out: [
      `1 secret(s) encrypted again, with the key ${idOf(OTHER)}.`,
      `Key ${idOf(RIGHT)} may be removed from SUREHOOK_ENCRYPTION_KEYS.`,
    ].join('\n'),
    err: '',
  });
  expect(await start('dist/src/api.js', OTHER)).toEqual({ isReady: true, code: 0, err: '' });
});
