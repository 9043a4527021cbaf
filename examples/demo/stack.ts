import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../src/embedded/postgres.js';
import { freePort } from '../../src/embedded/ports.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { createLogger } from '../../src/observability/logger.js';
import { startService } from '../../src/bootstrap/service.js';
import { installTemporalLogger } from '../../src/temporal/connection.js';
import { createApi, type Api } from './api.js';

/** 5 s, 15 s, 45 s … become 0.1 s, 0.3 s, 0.9 s …; `Retry-After` shrinks with them. */
export const RETRY_SCALE = 0.02;

/** Surehook as `npm start` runs it, on a temporary folder; what was started is in `release`, also after a failure. */
export async function startStack(options: {
  release: (() => Promise<unknown>)[];
  signal: AbortSignal;
  /** Authority of the demo's own receivers, PEM. */
  ca: string;
  say: (line: string) => void;
}): Promise<{ api: Api; uiUrl: string | null }> {
  const { release, signal, ca, say } = options;
  const log = createLogger('error');
  installTemporalLogger(log);
  const binary = await findTemporal({ progress: say, env: process.env, signal });

  const dir = await mkdtemp(join(tmpdir(), 'surehook-demo-'));
  release.push(() => rm(dir, { recursive: true, force: true }));
  // Postgres runs as a user of its own under root and has to pass through.
  await chmod(dir, 0o711);

  // An interrupt waits for the step under way: a server that is still starting could not be stopped.
  say('starting Postgres …');
  const postgres = await startPostgres({ dir: join(dir, 'postgres') });
  release.push(() => postgres.stop());
  signal.throwIfAborted();

  say('starting Temporal …');
  const temporal = await startTemporal({ binary, dir: join(dir, 'temporal'), uiPort: await freePort() });
  release.push(() => temporal.stop());
  signal.throwIfAborted();

  say('starting Surehook …');
  const adminKey = `sk_${randomBytes(24).toString('base64url')}`;
  const service = await startService({
    host: '127.0.0.1',
    port: 0,
    databaseUrl: postgres.url,
    temporal: { ...temporal, namespace: 'default', tls: false, apiKey: null },
    adminKey,
    encryptionKeys: [randomBytes(32).toString('base64')],
    allowNetworks: ['127.0.0.0/8', '::1/128'],
    retryScale: RETRY_SCALE,
    ca,
    log,
  });
  release.push(() => service.stop());
  await Promise.race([service.ready, aborted(signal)]);
  signal.throwIfAborted();
  return { api: createApi(service.url!, adminKey, signal), uiUrl: temporal.uiUrl };
}

export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
