import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { authHeader, startupBanner } from './bootstrap/startup-banner.js';
import { loadConfig, type Config } from './config.js';
import { keysOf } from './config-values.js';
import { openDataDir } from './embedded/data-dir.js';
import { ADMIN_AUTH_FILE, ADMIN_KEY_FILE, ENCRYPTION_KEY_FILE } from './embedded/data-files.js';
import { requireFreePort } from './embedded/ports.js';
import { startPostgres } from './embedded/postgres.js';
import { startTemporal } from './embedded/temporal.js';
import { messageOf } from './lib/error-text.js';
import { supervise } from './embedded/supervise.js';
import { findTemporal } from './embedded/temporal-binary.js';
import { optionsOf } from './bootstrap/service-options.js';
import { signInLink } from './bootstrap/sign-in-link.js';
import { onShutdownSignal } from './bootstrap/shutdown-signals.js';
import { connectionsOf, startCluster } from './bootstrap/cluster-primary.js';
import { logUncaught } from './bootstrap/uncaught.js';

logUncaught();

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const say = (line: string) => console.log(line);

/**
 * Runs `npm start`: Postgres, Temporal, API and worker with nothing installed but Node. `-- --processes 4` runs API and
 * worker in four processes.
 */
async function start(config: Config): Promise<void> {
  // Checked before anything is started: a port in use must not cost the user a minute.
  await requireFreePort(config.port, config.host, 'PORT');
  if (config.metricsPort) {
    // Checked only here: a separate API and worker may share one environment.
    if ([config.port, config.temporalUiPort].includes(config.metricsPort))
      throw new Error(`METRICS_PORT: ${config.metricsPort} is the port of the API or of the Web UI already.`);
    await requireFreePort(config.metricsPort, config.host, 'METRICS_PORT');
  }
  const dataDir = await openDataDir(config.dataDir, { say, lost: () => void lostDataDir(config.dataDir) });
  onStop(() => dataDir.close());
  const { signal } = stopped;
  const binary = config.temporal.address
    ? null
    : await findTemporal({ progress: say, env: process.env, signal });
  const databaseUrl = config.databaseUrl ?? (await embeddedPostgres(config));
  const temporal = {
    ...config.temporal,
    ...(binary
      ? await embeddedTemporal(config, binary)
      : { address: config.temporal.address!, uiUrl: config.temporalUiUrl }),
  };

  const admin = config.adminKey
    ? { value: config.adminKey, created: false }
    : await dataDir.readOrCreateSecret(ADMIN_KEY_FILE, () => `sk_${randomBytes(24).toString('base64url')}`);
  // For `curl -H @…`: every user of the machine could read a key on curl's command line.
  if (!config.adminKey) await dataDir.writeSecret(ADMIN_AUTH_FILE, authHeader(admin.value));
  const newKey = () => randomBytes(32).toString('base64');
  const encryptionKeys =
    config.encryptionKeys ?? keysOf((await dataDir.readOrCreateSecret(ENCRYPTION_KEY_FILE, newKey)).value);

  const allowNetworks = config.allowNetworks ?? (config.databaseUrl === null ? LOOPBACK : []);
  const options = {
    ...optionsOf(config),
    ...{ databaseUrl, temporal, adminKey: admin.value, encryptionKeys, allowNetworks },
  };
  const service = await startCluster(config.processes, options, say);
  onStop(() => service.stop());

  // Not awaited: a stop must not wait for a Temporal that never answers.
  const waiting = setTimeout(() => {
    say(`waiting for Temporal at ${temporal.address}; events are accepted meanwhile on ${service.url}`);
  }, 5_000);
  onStop(async () => clearTimeout(waiting));
  void service.ready.then(() => {
    clearTimeout(waiting);
    const url = service.url!;
    const dashboardUrl = signInLink(options, url);
    const { uiUrl } = temporal;
    startupBanner({ url, config, admin, dashboardUrl, uiUrl, allowNetworks }).forEach(say);
  });
}

async function embeddedPostgres(config: Config): Promise<string> {
  say('starting Postgres …');
  const dir = join(config.dataDir, 'postgres');
  const settings = [`max_connections=${Math.max(100, connectionsOf(config.processes))}`];
  const postgres = await startPostgres({ dir, settings, progress: say });
  const { port } = postgres;
  const supervised = supervise('Postgres', postgres, () => startPostgres({ dir, port, settings }), say);
  onStop(() => supervised.stop());
  return postgres.url;
}

async function embeddedTemporal(config: Config, binary: string) {
  say('starting Temporal …');
  const dir = join(config.dataDir, 'temporal');
  const options = { binary, dir, uiPort: config.temporalUiPort };
  const temporal = await startTemporal(options);
  const { port, address, uiUrl } = temporal;
  const supervised = supervise('Temporal', temporal, () => startTemporal({ ...options, port }), say);
  onStop(() => supervised.stop());
  return { address, uiUrl };
}

const release: (() => Promise<unknown>)[] = [];
const stopped = new AbortController();
let stopping: Promise<never> | undefined;

/** Records how to release a part that was just started; throws during a stop, so that the start goes no further. */
function onStop(step: () => Promise<unknown>): void {
  release.push(step);
  if (stopping) throw new Error('stopped while starting');
}

function stop(code: number): Promise<never> {
  return (stopping ??= (async () => {
    stopped.abort(new Error('stopped while starting'));
    // A part that is starting must finish its start: only then is it known how to stop it.
    await starting;
    for (const step of release.splice(0).reverse()) {
      await step().catch((error: unknown) => console.error(messageOf(error)));
    }
    process.exit(code);
  })());
}

/** A machine that froze for long may lose the lock: another instance may have started, and two spoil the files. */
function lostDataDir(dir: string): Promise<never> {
  console.error(`The lock of the data folder ${dir} is gone, and another surehook may use it; stopping …`);
  return stop(1);
}

onShutdownSignal(() => {
  say('stopping …');
  return stop(0);
});

const starting: Promise<void> = start(loadConfigOrExit()).catch((error: unknown) => {
  if (stopping) return;
  console.error(messageOf(error));
  // Not awaited: the stop waits for this very start to settle.
  void stop(1);
});

function loadConfigOrExit(): Config {
  try {
    return loadConfig(process.env, process.argv.slice(2));
  } catch (error) {
    console.error(messageOf(error));
    process.exit(1);
  }
}
