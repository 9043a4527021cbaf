import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadConfig, type Config } from './config.js';
import { openDataDir } from './embedded/data-dir.js';
import { requireFreePort } from './embedded/process.js';
import { startPostgres } from './embedded/postgres.js';
import { startTemporal } from './embedded/temporal.js';
import { findTemporal } from './embedded/temporal-binary.js';
import { createLogger } from './logger.js';
import { startService } from './service.js';
import { installTemporalLogger } from './temporal.js';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const say = (line: string) => console.log(line);

/** `npm start`: Postgres, Temporal, API and worker with nothing installed but Node. Answers how to stop it. */
async function start(config: Config, release: (() => Promise<unknown>)[]): Promise<void> {
  // Before anything is started: a port in use should cost nobody a minute.
  await requireFreePort(config.port, config.host, 'PORT');
  const dataDir = await openDataDir(config.dataDir);
  release.push(() => dataDir.close());
  const log = createLogger(config.logLevel);
  installTemporalLogger(log);

  const databaseUrl = config.databaseUrl ?? (await embeddedPostgres(config, release));
  const temporal = config.temporal.address
    ? { ...config.temporal, address: config.temporal.address, uiUrl: config.temporalUiUrl }
    : { ...config.temporal, ...(await embeddedTemporal(config, release)) };

  const admin = config.adminKey
    ? { value: config.adminKey, created: false }
    : await dataDir.readOrCreateSecret('admin-key', () => `sk_${randomBytes(24).toString('base64url')}`);
  const encryption = config.encryptionKey
    ? { value: config.encryptionKey }
    : await dataDir.readOrCreateSecret('encryption-key', () => randomBytes(32).toString('base64'));

  const embedded = config.databaseUrl === null;
  const service = await startService({
    host: config.host,
    port: config.port,
    databaseUrl,
    temporal,
    adminKey: admin.value,
    encryptionKey: encryption.value,
    allowNetworks: config.allowNetworks ?? (embedded ? LOOPBACK : []),
    retryScale: config.retryScale,
    log,
  });
  release.push(() => service.stop());

  say(`surehook ready on ${service.url}`);
  if (admin.created) say(`  admin key     ${admin.value}  (kept in ${join(config.dataDir, 'admin-key')})`);
  if (temporal.uiUrl) say(`  Temporal UI   ${temporal.uiUrl}`);
  if (embedded && config.allowNetworks === null) {
    say('  receivers on 127.0.0.1 are allowed, for a first try (SUREHOOK_ALLOW_NETWORKS decides)');
  }
  const key = config.adminKey ? '$SUREHOOK_ADMIN_KEY' : `$(cat ${join(config.dataDir, 'admin-key')})`;
  say(
    `  first webhook (the receiver here is ${service.url} itself, which answers 404; put your own URL in its place):`,
  );
  say(`    curl -s ${service.url}/v1/send -H "Authorization: Bearer ${key}" \\`);
  say(`      -d '{"url":"${service.url}/your-receiver","type":"hello.world","payload":{"hello":"world"}}'`);
}

async function embeddedPostgres(config: Config, release: (() => Promise<unknown>)[]): Promise<string> {
  say('starting Postgres …');
  const postgres = await startPostgres({ dir: join(config.dataDir, 'postgres') });
  release.push(() => postgres.stop());
  return postgres.url;
}

async function embeddedTemporal(config: Config, release: (() => Promise<unknown>)[]) {
  const binary = await findTemporal({ progress: say, env: process.env });
  say('starting Temporal …');
  const dir = join(config.dataDir, 'temporal');
  const temporal = await startTemporal({ binary, dir, uiPort: config.temporalUiPort });
  release.push(() => temporal.stop());
  return temporal;
}

const release: (() => Promise<unknown>)[] = [];
let stopping: Promise<never> | undefined;

function stop(code: number): Promise<never> {
  return (stopping ??= (async () => {
    for (const step of release.splice(0).reverse()) {
      await step().catch((error: unknown) => console.error(String(error)));
    }
    process.exit(code);
  })());
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second signal means now; the next start loses nothing.
    if (stopping) process.exit(1);
    say('stopping …');
    void stop(0);
  });
}

start(loadConfigOrExit(), release).catch(async (error: unknown) => {
  if (stopping) return;
  console.error(error instanceof Error ? error.message : String(error));
  await stop(1);
});

function loadConfigOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}
