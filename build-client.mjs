import process from 'node:process';
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { build } from 'esbuild';

/**
 * A step of `npm pack`, after the build: the declarations of the client beside its modules, and the same client for
 * `require` in dist/client-cjs.
 */
process.chdir(import.meta.dirname);

const ESM = 'dist/src/client';
const CJS = 'dist/client-cjs';

execFileSync(
  process.execPath,
  [createRequire(import.meta.url).resolve('typescript/bin/tsc'), '--project', 'tsconfig.client.json'],
  { stdio: 'inherit' },
);

rmSync(CJS, { recursive: true, force: true });
cpSync(ESM, CJS, { recursive: true, filter: (file) => !/\.(js|map)$/.test(file) });
await build({
  entryPoints: ['src/client/*.ts'],
  outdir: CJS,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  logLevel: 'warning',
});
writeFileSync(`${CJS}/package.json`, '{ "type": "commonjs" }\n');
