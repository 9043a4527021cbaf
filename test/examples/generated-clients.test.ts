import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findOnPath } from '../../src/embedded/on-path.js';
import { PYTHON } from '../support/languages.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';
import { ADMIN_KEY } from '../support/service.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENT = join(ROOT, 'docs/openapi.json');
const EXAMPLE = join(ROOT, 'examples/generated-clients');
/** Made by `.ci/python` and `.ci/oapi-codegen`; without them, these tests are skipped. */
const PYTHON_GENERATOR = join(dirname(PYTHON), 'openapi-python-client');
const GO_GENERATOR = await findOnPath('oapi-codegen', process.env);

/** The event, and one delivery. */
const PRINTED = /^published (evt_\w+)\ndel_\w+ [A-Z_]+\n$/;

let server: ServerProcess;
let receiver: Receiver;
let dir: string;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  server = await startServerProcess();
  receiver = await startReceiver();
  await server.client.endpoints.create({ url: receiver.url, event_types: ['*'] });
  dir = await mkdtemp(join(tmpdir(), 'surehook-generated-'));
  env = { ...process.env, SUREHOOK_URL: server.url, SUREHOOK_API_KEY: ADMIN_KEY };
});
afterAll(async () => {
  await receiver.close();
  await server.stop();
  await rm(dir, { recursive: true });
});

/** The event of a program arrives, although the server is killed before it does. */
async function expectArrival(program: () => Promise<{ stdout: string }>): Promise<void> {
  receiver.setBehaviour(() => ({ status: 503 }));
  const { stdout } = await program();
  expect(stdout).toMatch(PRINTED);
  const id = PRINTED.exec(stdout)![1]!;
  await server.attempted(id, 1);
  await server.kill();
  receiver.setBehaviour(() => ({ status: 204 }));
  const before = receiver.requests.length;
  await server.start();
  await receiver.waitFor((all) => all.slice(before).some(({ headers }) => headers['webhook-id'] === id));
}

test.skipIf(!existsSync(PYTHON_GENERATOR))(
  'a client that openapi-python-client makes of the document publishes an event that outlives the server, and reads its delivery',
  async () => {
    const target = ['--output-path', join(dir, 'surehook_api'), '--meta', 'none'];
    await run(PYTHON_GENERATOR, ['generate', '--path', DOCUMENT, ...target]);
    const options = { env: { ...env, PYTHONPATH: dir } };
    await expectArrival(() => run(PYTHON, [join(EXAMPLE, 'main.py')], options));
  },
);

test.skipIf(GO_GENERATOR === null)(
  'a client that oapi-codegen makes of the document publishes an event that outlives the server, and reads its delivery',
  async () => {
    const cwd = join(dir, 'go');
    await mkdir(join(cwd, 'api'), { recursive: true });
    for (const file of ['go.mod', 'go.sum', 'main.go', 'oapi-codegen.yaml'])
      await copyFile(join(EXAMPLE, file), join(cwd, file));
    await run(GO_GENERATOR!, ['-config', 'oapi-codegen.yaml', DOCUMENT], { cwd });
    await expectArrival(() => run('go', ['run', '.'], { cwd, env: { ...env, GOPROXY: 'off' } }));
  },
);
