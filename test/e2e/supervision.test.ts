import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { isSameProcess } from '../../src/embedded/process-identity.js';
import { startReceiver } from '../support/receiver.js';
import { eventually } from '../support/eventually.js';

test('the embedded servers are started again when they die, and no event is lost meanwhile', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-supervised-'));
  await chmod(dir, 0o711);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const receiver = await startReceiver();
  const child = spawn(process.execPath, ['dist/src/main.js'], {
    env: {
      ...process.env,
      DATA_DIR: join(dir, 'data'),
      PORT: String(port),
      TEMPORAL_UI_PORT: String(await freePort()),
      LOG_LEVEL: 'silent',
      SUREHOOK_ADMIN_KEY: 'test-admin-key-of-enough-length',
    },
  });
  const exit = once(child, 'close') as Promise<[number | null]>;
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  const pidOf = async (server: 'postgres' | 'temporal') =>
    Number((await readFile(join(dir, 'data', server, `${server}.pid`), 'utf8')).split(' ')[0]);
  const send = (key: string) =>
    fetch(`${url}/v1/send`, {
      method: 'POST',
      headers: { authorization: 'Bearer test-admin-key-of-enough-length' },
      body: JSON.stringify({ url: receiver.url, payload: { key }, idempotency_key: key }),
    });
  const arrived = (key: string) =>
    receiver.waitFor((requests) => requests.some(({ body }) => body.includes(key)), 60_000);
  const said = (line: string) => eventually(async () => out.includes(line), 60_000);
  try {
    await said('surehook ready on');

    const postgres = await pidOf('postgres');
    process.kill(postgres, 'SIGKILL');
    await said('Postgres ended unexpectedly; starting it again …');
    const refused = await send('while-postgres-is-away');
    if (refused.status !== 202) {
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('1');
    }
    await said('Postgres is back');
    await eventually(async () => (await send('while-postgres-is-away')).status < 300);
    await arrived('while-postgres-is-away');

    const temporal = await pidOf('temporal');
    process.kill(temporal, 'SIGKILL');
    await said('Temporal ended unexpectedly; starting it again …');
    expect((await send('while-temporal-is-away')).status).toBe(202);
    await said('Temporal is back');
    await arrived('while-temporal-is-away');

    const pids = [await pidOf('postgres'), await pidOf('temporal')];
    expect(pids).not.toContain(postgres);
    expect(pids).not.toContain(temporal);
    // Ctrl-C in the middle of a restart: what is just starting ends, too.
    process.kill(pids[1]!, 'SIGKILL');
    await eventually(async () => out.match(/Temporal ended unexpectedly/g)?.length === 2);
    child.kill('SIGINT');
    expect((await exit)[0]).toBe(0);
    const left = [...pids, await pidOf('temporal').catch(() => 0)];
    expect(left.filter((pid) => pid > 0 && isSameProcess(pid, null))).toEqual([]);
  } finally {
    if (child.exitCode === null) child.kill('SIGKILL');
    for (const server of ['postgres', 'temporal'] as const) {
      const pid = await pidOf(server).catch(() => 0);
      if (pid > 0 && isSameProcess(pid, null)) process.kill(pid, 'SIGKILL');
    }
    await receiver.close();
    await rm(dir, { recursive: true, force: true });
  }
}, 240_000);
