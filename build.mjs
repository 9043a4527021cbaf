import console from 'node:console';
import process from 'node:process';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/**
 * `npm run build`: compiles the sources to dist/ and bundles the workflows, and builds the dashboard to dist/dashboard.
 * Does nothing where a part of dist/ is of these sources. Compiled code needs 250 MiB less memory than sources that are
 * compiled as they are loaded.
 */
process.chdir(import.meta.dirname);

/** What is run after a build, such as a command with JSON, has stdout to itself. */
const ON_STDERR = ['ignore', 2, 2];
const SERVER_DIRS = ['src', 'workflows', 'activities'];
const serverFiles = SERVER_DIRS.flatMap(filesIn);
const serverInputs = [...serverFiles, 'package-lock.json', 'tsconfig.json', 'build.mjs'];
await unlessBuilt('dist/.sources', serverInputs, buildServer);

// Without its sources, the API alone is built.
const pageFiles = existsSync('dashboard/package.json') ? filesIn('dashboard') : [];
// The page shares the rules of the domain.
const pageInputs = [
  ...pageFiles,
  ...filesIn('src/domain'),
  'package-lock.json',
  'tsconfig.json',
  'build.mjs',
];
if (pageFiles.length > 0) await unlessBuilt('dist/dashboard/.sources', pageInputs, buildDashboard);

async function buildServer() {
  for (const dir of SERVER_DIRS) rmSync(join('dist', dir), { recursive: true, force: true });
  await build({
    entryPoints: serverFiles.filter((file) => file.endsWith('.ts')),
    outdir: 'dist',
    outbase: '.',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: true,
    logLevel: 'warning',
  });
  cpSync('src/db/migrations', 'dist/src/db/migrations', { recursive: true });
  const rapidoc = createRequire(import.meta.url).resolve('rapidoc/dist/rapidoc-min.js');
  for (const suffix of ['', '.gz']) cpSync(rapidoc + suffix, `dist/docs/rapidoc-min.js${suffix}`);
  execFileSync(process.execPath, ['dist/src/temporal/build-workflow-bundle.js'], { stdio: ON_STDERR });
}

function buildDashboard() {
  console.error('building the dashboard …');
  const began = performance.now();
  const vite = createRequire(join(import.meta.dirname, 'dashboard/package.json')).resolve(
    'vite/package.json',
  );
  execFileSync(process.execPath, [join(dirname(vite), 'bin/vite.js'), 'build', '--logLevel', 'warn'], {
    cwd: 'dashboard',
    stdio: ON_STDERR,
    // Tests run with NODE_ENV=test, which would build React for development: several times slower.
    env: { ...process.env, NODE_ENV: 'production' },
  });
  for (const file of filesIn('dist/dashboard/assets')) compress(file);
  console.error(`dashboard built in ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

/**
 * The server sends the compressed files as they are. Those of small files and of images would not be smaller.
 * @param {string} file
 */
function compress(file) {
  if (statSync(file).size <= 1024 || !/\.(js|css|svg|json|map)$/.test(file)) return;
  const content = readFileSync(file);
  writeFileSync(`${file}.br`, brotliCompressSync(content));
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
}

/**
 * The stamp is written last: a build that was interrupted is repeated.
 * @param {string} stamp
 * @param {string[]} inputs
 * @param {() => void | Promise<void>} make
 */
async function unlessBuilt(stamp, inputs, make) {
  const hash = createHash('sha256');
  for (const file of inputs.sort()) hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
  const sources = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === sources) return;
  rmSync(stamp, { force: true });
  await make();
  writeFileSync(stamp, sources);
}

/** @param {string} dir */
function filesIn(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/[/\\]node_modules[/\\]/.test(file));
}
