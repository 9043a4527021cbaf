import process from 'node:process';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * `npm run build`: compiles the sources to dist/, and bundles the workflows. Does nothing where dist/ is of these sources.
 * Compiled code needs 250 MiB less memory than sources that are compiled as they are loaded.
 */
process.chdir(import.meta.dirname);
const STAMP = 'dist/.sources';
const files = ['src', 'workflows', 'activities'].flatMap((dir) =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name)),
);
const hash = createHash('sha256');
for (const file of [...files.sort(), 'package-lock.json', 'tsconfig.json', 'build.mjs'])
  hash.update(`${file}\0`).update(readFileSync(file)).update('\0');
const sources = hash.digest('hex');

if (!existsSync(STAMP) || readFileSync(STAMP, 'utf8') !== sources) {
  rmSync('dist', { recursive: true, force: true });
  await build({
    entryPoints: files.filter((file) => file.endsWith('.ts')),
    outdir: 'dist',
    outbase: '.',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: true,
    logLevel: 'warning',
  });
  cpSync('src/db/migrations', 'dist/src/db/migrations', { recursive: true });
  execFileSync(process.execPath, ['dist/src/temporal/build-workflow-bundle.js'], { stdio: 'inherit' });
  writeFileSync(STAMP, sources);
}
