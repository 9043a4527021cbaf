import { loadConfig, type Config } from '../config.js';
import { messageOf } from '../lib/error-text.js';
import { onShutdownSignal } from './shutdown-signals.js';
import { optionsOf, type Service } from './service-options.js';
import { startFromOptions } from './service.js';
import { logUncaught } from './uncaught.js';

/** Runs one role on servers that run elsewhere. A failed start prints the error to stderr and exits with code 1. */
export function runProcess(role: 'api' | 'worker'): void {
  logUncaught();
  const starting = start(role);
  starting.catch((error: unknown) => {
    console.error(messageOf(error));
    process.exit(1);
  });
  onShutdownSignal(async () => {
    const service = await starting;
    await service.stop();
    process.exit(0);
  });
}

async function start(role: 'api' | 'worker'): Promise<Service> {
  const config = loadConfig(process.env);
  const service = await startFromOptions({
    role,
    ...optionsOf(config),
    ...required(config),
    allowNetworks: config.allowNetworks ?? [],
  });
  // An API is ready when it accepts events, with or without Temporal.
  if (role === 'api') console.log(`surehook ready on ${service.url}`);
  else void service.ready.then(() => console.log('surehook worker ready'));
  return service;
}

function required({ databaseUrl, temporal, temporalUiUrl, adminKey, encryptionKeys }: Config) {
  const missing = Object.entries({
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    SUREHOOK_ADMIN_KEY: adminKey,
    SUREHOOK_ENCRYPTION_KEYS: encryptionKeys,
  }).flatMap(([name, value]) => (value === null ? [name] : []));
  if (missing.length)
    throw new Error(`${missing.join(', ')} must be set: only \`npm start\` has defaults for them.`);
  return {
    databaseUrl: databaseUrl!,
    temporal: { ...temporal, address: temporal.address!, uiUrl: temporalUiUrl },
    adminKey: adminKey!,
    encryptionKeys: encryptionKeys!,
  };
}
