import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { VERSION } from '../../src/bootstrap/version.js';
import { examine, type ExamineOptions } from '../../src/doctor/examine.js';
import {
  ADMIN_KEY,
  createDatabase,
  ENCRYPTION_KEY,
  eventually,
  startTestService,
  type TestService,
} from '../support/service.js';
import { jsonOf, surehook } from '../support/surehook.js';
import { TEMPLATE } from '../support/template.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

const env = () => ({
  DATABASE_URL: t.databaseUrl,
  TEMPORAL_ADDRESS: inject('temporalAddress'),
  SUREHOOK_ENCRYPTION_KEYS: ENCRYPTION_KEY,
});

/** The findings about the service of this file, with other settings. */
const look = (over: NodeJS.ProcessEnv = {}, options: Partial<ExamineOptions> = {}) =>
  examine({
    env: { ...env(), ...over },
    version: VERSION,
    url: t.service.url!,
    apiKeyFor: async () => ADMIN_KEY,
    taskQueue: t.taskQueue,
    ...options,
  });

/** The findings that are not ok: their checks and verdicts. */
const faults = async (findings: ReturnType<typeof examine>) =>
  Object.fromEntries(
    (await findings).filter(({ verdict }) => verdict !== 'ok').map(({ check, verdict }) => [check, verdict]),
  );

const finding = async (findings: ReturnType<typeof examine>, check: string) =>
  (await findings).find((one) => one.check === check)!;

test('a healthy installation has nothing to mend', async () => {
  const findings = await look();
  expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual([
    ...['node', 'postgres', 'clock', 'migrations', 'partitions', 'encryption key', 'processes', 'pauses'],
    ...['backlog', 'temporal', 'namespace', 'search attributes', 'dynamic config', 'workers', 'api'],
  ]);
  expect(findings.every(({ mend }) => mend === null)).toBe(true);
});

test('a wrong encryption key, and none, fail', async () => {
  const other = Buffer.alloc(32, 9).toString('base64');
  const { verdict, found, mend } = await finding(look({ SUREHOOK_ENCRYPTION_KEYS: other }), 'encryption key');
  expect(verdict).toBe('fail');
  expect(found).toMatch(
    /^This database has secrets that are encrypted with the key [0-9a-f]{8}, which is not in/,
  );
  expect(mend).toContain('SUREHOOK_ENCRYPTION_KEYS');
  const none = look({ SUREHOOK_ENCRYPTION_KEYS: '', DATA_DIR: '/nowhere' });
  expect(await faults(none)).toEqual({ 'encryption key': 'fail' });
});

test('a Temporal and a Postgres that cannot be reached fail, each alone', async () => {
  expect(await faults(look({ TEMPORAL_ADDRESS: '127.0.0.1:1' }))).toEqual({ temporal: 'fail' });
  const away = look({ DATABASE_URL: 'postgres://surehook:secret@127.0.0.1:1/surehook' });
  expect(await faults(away)).toEqual({ postgres: 'fail' });
  expect(JSON.stringify(await away)).not.toContain('secret@');
});

test('a clock that is off is told of, and fails before receivers refuse signatures', async () => {
  const off = (ms: number) => look({}, { now: () => Date.now() + ms });
  expect(await faults(off(10_000))).toEqual({ clock: 'warn' });
  const { verdict, found } = await finding(off(-120_000), 'clock');
  expect([verdict, found]).toEqual(['fail', '120.0 s behind the clock of Postgres']);
  // By then the weeks ahead have no partition yet.
  expect(await faults(off(60 * 86_400_000))).toEqual({ clock: 'fail', partitions: 'warn' });
});

test('a database that is not migrated fails, and its tables are not looked at', async () => {
  const databaseUrl = await createDatabase(`d_${randomBytes(6).toString('hex')}`);
  const findings = look({ DATABASE_URL: databaseUrl });
  expect(await faults(findings)).toEqual({ migrations: 'fail' });
  expect((await findings).map(({ check }) => check)).not.toContain('encryption key');
});

test('a namespace that is missing, or forgets too soon and lacks search attributes, is told of with the command', async () => {
  const address = inject('temporalAddress');
  const missing = await finding(look({ TEMPORAL_NAMESPACE: 'nowhere' }), 'namespace');
  expect(missing).toMatchObject({
    verdict: 'fail',
    mend: `temporal operator namespace create --retention 72h --namespace nowhere --address ${address}`,
  });

  const namespace = `doctor-${randomBytes(4).toString('hex')}`;
  const connection = await Connection.connect({ address });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs(24 * 3_600_000),
  });
  await connection.close();
  const look24h = () => look({ TEMPORAL_NAMESPACE: namespace });
  // The server learns of a new namespace within seconds.
  await eventually(async () => (await finding(look24h(), 'workers')).found.startsWith('No worker'));
  const warned = { namespace: 'warn', 'search attributes': 'warn', workers: 'fail' };
  expect(await faults(look24h())).toEqual(warned);
  expect((await finding(look24h(), 'search attributes')).mend).toContain(
    '--name EndpointIds --type KeywordList',
  );
});

test('a pause of everything, and a service that does not run, are told of', async () => {
  await t.call('POST', '/v1/control/pause', { scope: 'all', reason: 'their firewall' });
  const paused = await finding(look(), 'pauses');
  await t.call('POST', '/v1/control/resume', { scope: 'all' });
  expect(paused).toMatchObject({ verdict: 'warn' });
  expect(paused.found).toMatch(/ by admin: their firewall$/);

  const databaseUrl = await createDatabase(`d_${randomBytes(6).toString('hex')}`, TEMPLATE);
  const nowhere = { url: 'http://127.0.0.1:1', taskQueue: 'nobody' };
  const stopped = look({ DATABASE_URL: databaseUrl }, nowhere);
  expect(await faults(stopped)).toEqual({ processes: 'fail', workers: 'fail', api: 'fail' });
});

test('keys that others may read, a full disk and a folder without a server are told of', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-doctor-'));
  const key = join(dir, 'encryption-key');
  await writeFile(key, ENCRYPTION_KEY, { mode: 0o644 });
  const inFolder = (DATA_DIR: string) =>
    look({ DATABASE_URL: '', SUREHOOK_ENCRYPTION_KEYS: '', DATA_DIR, TEMPORAL_ADDRESS: '' });
  expect(await faults(inFolder(dir))).toEqual({ 'data folder': 'warn', postgres: 'fail' });
  expect((await finding(inFolder(dir), 'data folder')).mend).toBe(`chmod 600 ${key}`);
  await rm(dir, { recursive: true });
  // This file system has no room.
  expect(await faults(inFolder('/proc'))).toEqual({ disk: 'fail', postgres: 'fail' });
});

test('without a URL the API is looked for at HOST and PORT, also at an IPv6 address', async () => {
  for (const [HOST, own] of [
    ['::1', 'http://[::1]:1'],
    ['::', 'http://127.0.0.1:1'],
  ])
    expect((await finding(look({ HOST, PORT: '1' }, { url: null }), 'api')).found).toBe(
      `nothing answers at ${own}`,
    );
});

test('a command of another version than the server is told of', async () => {
  expect(await faults(look({}, { version: '0.0.1' }))).toEqual({ api: 'warn' });
});

test('wrong settings, and a Node that is too old, fail before anything is looked at', async () => {
  const findings = await look({ PORT: 'none', TEMPORAL_ADDRESS: 'nowhere' }, { nodeVersion: '18.20.0' });
  expect(findings.map(({ check, verdict }) => [check, verdict])).toEqual([
    ['node', 'fail'],
    ['configuration', 'fail'],
  ]);
  expect(findings[1]!.found).toContain(
    'PORT: must be a port, 0 to 65535; TEMPORAL_ADDRESS: must be host:port',
  );
});

test('surehook doctor prints one line a check, and exits with 1 where one fails', async () => {
  const broken = { ...env(), TEMPORAL_ADDRESS: '127.0.0.1:1' };
  const all = { ...broken, SUREHOOK_URL: `${t.service.url!}/`, SUREHOOK_API_KEY: ADMIN_KEY };
  const [json, text] = await Promise.all([
    surehook(['doctor', '--json'], { env: all }),
    surehook(['doctor'], { env: all }),
  ]);
  expect(json.code).toBe(1);
  const findings = jsonOf<{ check: string; verdict: string }>(json);
  expect(findings.filter(({ verdict }) => verdict !== 'ok')).toMatchObject([
    { check: 'temporal', verdict: 'fail' },
  ]);
  expect(text).toMatchObject({ code: 1, err: '' });
  expect(text.out).toMatch(
    /^fail {2}temporal .* cannot be reached: .* → Start it, or correct TEMPORAL_ADDRESS/m,
  );
  expect(text.out.trim().split('\n')).toHaveLength(findings.length);
});
