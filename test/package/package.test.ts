import { execFile } from 'node:child_process';
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { eventually } from '../support/eventually.js';
import { examplesIn, expectClientExample } from '../support/readme.js';
import { runNode, type ProcessRun } from '../support/run-process.js';
import { installPacked, type Project } from './install.js';

const run = promisify(execFile);
const ADMIN_KEY = 'test-admin-key-of-enough-length';
const ALLOWED = [
  /^(package\.json|README\.md|LICENSE)$/,
  /^dist\/(src|workflows|activities)\/.*\.js$/,
  /^dist\/src\/db\/migrations\/\d{4}_\w+\.sql$/,
  /^dist\/src\/temporal\/workflow-bundle\.cjs$/,
  /^dist\/src\/client\/[\w-]+\.d\.ts$/,
  /^dist\/client-cjs\/(package\.json|[\w-]+\.(js|d\.ts))$/,
  /^dist\/docs\/rapidoc-min\.js(\.gz)?$/,
  /^dist\/dashboard\/(index|portal)\.html$/,
  /^dist\/dashboard\/assets\/[\w.-]+\.(js|css|svg)(\.br|\.gz)?$/,
];

let project: Project;
let bin: string;
let server: ProcessRun;
let env: Record<string, string>;
beforeAll(async () => {
  project = await installPacked(['@types/node', '@types/express']);
  // Postgres has a user of its own where the tests run as root.
  await chmod(project.dir, 0o711);
  const port = await freePort();
  env = {
    HOME: process.env.HOME!,
    DATA_DIR: join(project.dir, 'data'),
    PORT: String(port),
    TEMPORAL_UI_PORT: String(await freePort()),
    LOG_LEVEL: 'warn',
    SUREHOOK_URL: `http://127.0.0.1:${port}`,
    SUREHOOK_ADMIN_KEY: ADMIN_KEY,
    SUREHOOK_API_KEY: ADMIN_KEY,
  };
  bin = join(project.installed, project.manifest.bin.surehook);
  server = runNode(bin, env, ['start']);
});
afterAll(async () => {
  server?.child.kill('SIGTERM');
  await server?.exit;
  await project?.remove();
});

test('the package has what was built, every migration, and nothing else', async () => {
  const { files } = project;
  expect(files.filter((file) => !ALLOWED.some((pattern) => pattern.test(file)))).toEqual([]);
  expect(files).not.toContain('dist/src/temporal/build-workflow-bundle.js');
  const migrations = await readdir('src/db/migrations');
  expect(files).toEqual(
    expect.arrayContaining([
      ...migrations.map((name) => `dist/src/db/migrations/${name}`),
      ...['main', 'api', 'worker', 'cli/main'].map((name) => `dist/src/${name}.js`),
      'dist/dashboard/index.html',
      'LICENSE',
    ]),
  );
});

test('publint and are-the-types-wrong find no fault', async () => {
  const tarball = new Uint8Array(project.tarball).buffer;
  expect((await publint({ pack: { tarball } })).messages).toEqual([]);
  const types = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
  expect(types).toMatchObject({ types: { kind: 'included' }, problems: [] });
});

test('the installed command starts the server, which serves its pages', async () => {
  await eventually(() => {
    if (server.child.exitCode !== null) throw new Error(server.err);
    return Promise.resolve(server.out.includes(`surehook ready on ${env.SUREHOOK_URL}`));
  }, 120_000);
  for (const path of ['/sign-in', '/docs/rapidoc.js']) {
    const page = await fetch(env.SUREHOOK_URL + path, { headers: { accept: 'text/html,*/*' } });
    expect([path, page.status]).toEqual([path, 200]);
  }
});

/** Prints what it did. */
const APPLICATION = `
(async () => {
  const surehook = createClient();
  const event = await surehook.publish('package.used', { n: 1 });
  const { data } = await surehook.events.list({ type: 'package.used', limit: 1 });
  const refused = await surehook.events.get('evt_' + '0'.repeat(32)).catch((error) => error);
  console.log(data[0].id === event.id, refused instanceof NotFoundError, refused.name);
})();`;

test.each([
  ['app.mjs', `import { createClient, NotFoundError } from 'surehook';`],
  ['app.cjs', `const { createClient, NotFoundError } = require('surehook');`],
])('the client works in %s', async (name, head) => {
  const file = join(project.dir, name);
  await writeFile(file, head + APPLICATION);
  const { stdout } = await run(process.execPath, [file], { env });
  expect(stdout).toBe('true true NotFoundError\n');
});

test('the example of the README runs', async () => {
  const { SUREHOOK_URL, SUREHOOK_API_KEY } = env as Record<'SUREHOOK_URL' | 'SUREHOOK_API_KEY', string>;
  await expectClientExample('README.md', 'ts', { SUREHOOK_URL, SUREHOOK_API_KEY }, async (code) => {
    const file = join(project.dir, 'readme.mjs');
    await writeFile(file, code);
    await run(process.execPath, [file], { env });
  });
});

/** Their examples, one after the other, are a module. */
const DOCUMENTS = { 'readme.mts': 'README.md', 'typescript.mts': 'docs/typescript.md' };

test('the types of the client hold for node16 and for bundlers, in modules of both kinds and in all examples', async () => {
  const source = `
    import { createClient, type SurehookClient } from 'surehook';
    const surehook: SurehookClient = createClient({ url: 'http://127.0.0.1' });
    surehook.publish('a.b', {}).then(({ id }) => id.startsWith('evt_'));
    // @ts-expect-error: no number.
    surehook.publish(1, {});
    // @ts-expect-error: no such status.
    surehook.deliveries.list({ status: 'LOST' });
    // @ts-expect-error: the types of Node are found, so that this is no request.
    surehook.receiver('request', 'response');`;
  await Promise.all(['types.mts', 'types.cts'].map((name) => writeFile(join(project.dir, name), source)));
  for (const [name, file] of Object.entries(DOCUMENTS))
    await writeFile(join(project.dir, name), (await examplesIn(file, 'ts')).join(''));
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--lib', 'es2023'];
  const check = (module: string, moduleResolution: string) => {
    const how = ['--module', module, '--moduleResolution', moduleResolution];
    return run(
      process.execPath,
      [tsc, ...flags, ...how, 'types.mts', 'types.cts', ...Object.keys(DOCUMENTS)],
      {
        cwd: project.dir,
      },
    ).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
  };
  expect(await Promise.all([check('node16', 'node16'), check('esnext', 'bundler')])).toEqual(['', '']);
});

test('the installed command knows the version of the package, and reaches the server', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect((await run(process.execPath, [bin, '--version'], { env })).stdout).toBe(`${version}\n`);
  expect((await run(process.execPath, [bin, '--help'], { env })).stdout).toContain('publish');
  const { stdout } = await run(process.execPath, [bin, '--json', 'publish', 'package.used'], { env });
  expect(JSON.parse(stdout)).toMatchObject({ type: 'package.used', duplicate: false });
});
