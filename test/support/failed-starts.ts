import type { CanaryRun } from './canary-run.js';
import { eventually } from './eventually.js';
import { CLI } from './run-process.js';

const ROTATE = ['keys', 'rotate-encryption'];

/** Starts that fail for a setting or an argument. */
export async function failStarts(run: CanaryRun): Promise<void> {
  const { setting, argument, wrongPassword, temporalKey, encryptionKeys } = run.wallet.planted;
  const it = setting.text;
  const other = new URL(run.databaseUrl);
  other.password = encodeURIComponent(wrongPassword.text);
  const starts = [
    run.start('an api with bad settings', 'dist/src/api.js', {
      DATABASE_URL: `mysql://me:${it}@db/x`,
      TEMPORAL_ADDRESS: `https://me:${it}@db:1/x`,
      TEMPORAL_TLS: it,
      TEMPORAL_UI_URL: `ftp://me:${it}@ui/`,
      SUREHOOK_ADMIN_KEY: `${it} ${it}`,
      SUREHOOK_ENCRYPTION_KEY: it,
      SUREHOOK_ENCRYPTION_KEYS: `${it},${it}`,
      SUREHOOK_PROXY: `http://me:${it}%zz@proxy:1`,
      LOG_LEVEL: it,
    }),
    run.start('an api with a bad proxy', 'dist/src/api.js', { SUREHOOK_PROXY: `socks5://me:${it}@proxy:1` }),
    run.start('main with an argument', 'dist/src/main.js', {}, [
      `--admin-key=${argument.text}`,
      argument.text,
    ]),
    run.start('keys rotate-encryption with an argument', CLI, {}, [...ROTATE, argument.text]),
    run.start('keys rotate-encryption with a key', CLI, {}, [...ROTATE, '--forget', argument.text]),
    run.start('an api with a wrong password', 'dist/src/api.js', { DATABASE_URL: other.toString() }),
    run.start('an api with another key', 'dist/src/api.js', {
      SUREHOOK_ENCRYPTION_KEYS: encryptionKeys[2].text,
    }),
  ];
  const apiKey = {
    TEMPORAL_API_KEY: temporalKey.text,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    SUREHOOK_ENCRYPTION_KEYS: encryptionKeys[1].text,
  };
  const worker = run.start('a worker with an API key', 'dist/src/worker.js', apiKey);
  for (const { child } of starts)
    await eventually(async () => (child.exitCode ?? 0) > 0, 20_000).catch((cause: unknown) => {
      throw new Error(`This start did not fail: ${child.spawnargs.join(' ')}`, { cause });
    });
  await eventually(async () => worker.err.includes('Temporal does not answer'), 20_000);
  worker.child.kill('SIGTERM');
  await worker.exit;
}
