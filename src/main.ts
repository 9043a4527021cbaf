import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadConfig, type Config } from './config.js';
import { openDataDir } from './embedded/data-dir.js';
import { requireFreePort } from './embedded/ports.js';
import { startPostgres } from './embedded/postgres.js';
import { startTemporal } from './embedded/temporal.js';
import { supervise } from './embedded/supervise.js';
import { findTemporal } from './embedded/temporal-binary.js';
import { createLogger } from './logger.js';
import { startService } from './service.js';
import { installTemporalLogger } from './temporal.js';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const say = (line: string) => console.log(line);

/** `npm start`: Postgres, Temporal, API and worker with nothing installed but Node. */
async function start(config: Config): Promise<void> {
  // Before anything is started: a port in use should cost nobody a minute.
  await requireFreePort(config.port, config.host, 'PORT');
  const dataDir = await openDataDir(config.dataDir);
  taken(() => dataDir.close());
  const log = createLogger(config.logLevel);
  installTemporalLogger(log);

  const binary = config.temporal.address ? null : await findTemporal({ progress: say, env: process.env });
  const databaseUrl = config.databaseUrl ?? (await embeddedPostgres(config));
  const temporal = {
    ...config.temporal,
    ...(binary
      ? await embeddedTemporal(config, binary)
      : { address: config.temporal.address!, uiUrl: config.temporalUiUrl }),
  };

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
    lanes: config.lanes,
    pauseFile: join(config.dataDir, 'PAUSE'),
    log,
  });
  taken(() => service.stop());

  // Not awaited: a stop must not wait for a Temporal that never answers.
  const waiting = setTimeout(() => {
    say(`waiting for Temporal at ${temporal.address}; events are accepted meanwhile on ${service.url}`);
  }, 5_000);
  taken(async () => clearTimeout(waiting));
  void service.ready.then(() => {
    clearTimeout(waiting);
    announce(service.url!, config, admin, temporal.uiUrl);
  });
}

function announce(
  url: string,
  config: Config,
  admin: { value: string; created: boolean },
  uiUrl: string | null,
): void {
  say(`surehook ready on ${url}`);
  if (admin.created) say(`  admin key     ${admin.value}  (kept in ${join(config.dataDir, 'admin-key')})`);
  if (uiUrl) say(`  Temporal UI   ${uiUrl}`);
  if (config.databaseUrl === null && config.allowNetworks === null) {
    say('  receivers on 127.0.0.1 are allowed, for a first try (SUREHOOK_ALLOW_NETWORKS decides)');
  }
  const key = config.adminKey ? '$SUREHOOK_ADMIN_KEY' : `$(cat ${join(config.dataDir, 'admin-key')})`;
  say(
    `  first webhook (the receiver here is ${url} itself, which answers 404; put your own URL in its place):`,
  );
  say(`    curl -s ${url}/v1/send -H "Authorization: Bearer ${key}" \\`);
  say(`      -d '{"url":"${url}/your-receiver","type":"hello.world","payload":{"hello":"world"}}'`);
}

async function embeddedPostgres(config: Config): Promise<string> {
  say('starting Postgres …');
  const dir = join(config.dataDir, 'postgres');
  const postgres = await startPostgres({ dir });
  const { port } = postgres;
  const supervised = supervise('Postgres', postgres, () => startPostgres({ dir, port }), say);
  taken(() => supervised.stop());
  return postgres.url;
}

async function embeddedTemporal(config: Config, binary: string) {
  say('starting Temporal …');
  const dir = join(config.dataDir, 'temporal');
  const options = { binary, dir, uiPort: config.temporalUiPort };
  const temporal = await startTemporal(options);
  const { port, address, uiUrl } = temporal;
  const supervised = supervise('Temporal', temporal, () => startTemporal({ ...options, port }), say);
  taken(() => supervised.stop());
  return { address, uiUrl };
}

const release: (() => Promise<unknown>)[] = [];
let stopping: Promise<never> | undefined;

/** Notes how to release what was just started; a start that is being stopped goes no further. */
function taken(step: () => Promise<unknown>): void {
  release.push(step);
  if (stopping) throw new Error('stopped while starting');
}

function stop(code: number): Promise<never> {
  return (stopping ??= (async () => {
    // A part that is just starting is let start: only then is it known how to stop it.
    await starting;
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

const starting: Promise<void> = start(loadConfigOrExit()).catch((error: unknown) => {
  if (stopping) return;
  console.error(error instanceof Error ? error.message : String(error));
  // Not awaited: it waits for this very start to settle.
  void stop(1);
});

function loadConfigOrExit(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}
