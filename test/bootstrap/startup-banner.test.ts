import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { authHeader, startupBanner } from '../../src/bootstrap/startup-banner.js';
import { ADMIN_AUTH_FILE } from '../../src/embedded/data-files.js';
import { loadConfig } from '../../src/config.js';
import { startReceiver, type Receiver } from '../support/receiver.js';

const KEY = 'sk_of-the-admin-0123456789';

let dir: string;
let api: Receiver;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-announce-'));
  await mkdir(join(dir, 'bin'));
  // Records the command line, which every user of the machine could read.
  const curl = `#!/bin/sh\nprintf '%s\\n' "$@" >> '${dir}/arguments'\nPATH="\${PATH#*:}" exec curl "$@"\n`;
  await writeFile(join(dir, 'bin/curl'), curl);
  await chmod(join(dir, 'bin/curl'), 0o755);
  api = await startReceiver();
});
afterAll(async () => {
  await api.close();
  await rm(dir, { recursive: true });
});

describe.each([
  ['a generated key', {}],
  ['a key from the environment', { SUREHOOK_ADMIN_KEY: KEY }],
])('the curl command printed by a start with %s', (_name, env) => {
  it('sends the key without showing it on a command line', async () => {
    const dataDir = join(dir, "a folder's name");
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, ADMIN_AUTH_FILE), `${authHeader(KEY)}\n`);
    const config = loadConfig({ DATA_DIR: dataDir, ...env });
    const lines = startupBanner({
      url: new URL(api.url).origin,
      config,
      admin: { value: KEY, created: false },
      dashboardUrl: null,
      uiUrl: null,
      allowNetworks: [],
    }).join('\n');
    expect(lines).not.toContain(KEY);
    const [, command] = /^ +((?:printf .*)?curl [^]*?\}')$/m.exec(lines)!;

    await promisify(execFile)('sh', ['-c', command!], {
      env: { ...env, PATH: `${join(dir, 'bin')}:${process.env.PATH}` },
    });
    const { headers, path, body } = api.requests.at(-1)!;
    expect(headers.authorization).toBe(`Bearer ${KEY}`);
    expect(path).toBe('/v1/send');
    expect(JSON.parse(body)).toMatchObject({ payload: { hello: 'world' } });
    const args = await readFile(join(dir, 'arguments'), 'utf8');
    expect(args).toContain('/v1/send');
    expect(args).not.toContain(KEY);
  });
});
