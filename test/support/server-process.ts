import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type SurehookClient } from '../../src/client/index.js';
import { freePort } from '../../src/embedded/ports.js';
import { eventually } from './eventually.js';
import { startOwnTemporal } from './own-temporal.js';
import { runNode, type ProcessRun } from './run-process.js';
import { ADMIN_KEY, createDatabase, ENCRYPTION_KEY } from './service.js';
import { TEMPLATE } from './template.js';

/** The compiled product in a process of its own, at one address and with one database across its restarts. */
export interface ServerProcess {
  url: string;
  client: SurehookClient;
  start(): Promise<void>;
  /** SIGKILL: nothing of it ends in order. */
  kill(): Promise<void>;
  /** Waits until each delivery of an event has had so many attempts. A kill in the middle of one is noticed 10 s later. */
  attempted(eventId: string, count: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startServerProcess(): Promise<ServerProcess> {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'surehook-server-'));
  await chmod(dir, 0o711);
  const temporal = await startOwnTemporal();
  const env = {
    DATA_DIR: dir,
    PORT: String(port),
    DATABASE_URL: await createDatabase(`server_${port}`, TEMPLATE),
    TEMPORAL_ADDRESS: temporal.address,
    SUREHOOK_ADMIN_KEY: ADMIN_KEY,
    SUREHOOK_ENCRYPTION_KEY: ENCRYPTION_KEY,
    SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
    // 5 s, 15 s, 45 s … become 100 ms, 300 ms, 900 ms …
    SUREHOOK_RETRY_SCALE: '0.02',
    LOG_LEVEL: 'warn',
  };
  const url = `http://127.0.0.1:${port}`;
  let run: ProcessRun;

  const client = createClient({ url, apiKey: ADMIN_KEY });

  const server: ServerProcess = {
    ...{ url, client },
    async start() {
      run = runNode('dist/src/main.js', env);
      await eventually(async () => {
        if (run.child.exitCode !== null) throw new Error(run.out + run.err);
        return run.out.includes('surehook ready on');
      });
    },
    async kill() {
      run.child.kill('SIGKILL');
      await run.exit;
    },
    async attempted(eventId, count) {
      await eventually(async () => {
        const { data } = await client.deliveries.list({ event_id: eventId });
        return data.length > 0 && data.every(({ attempt_count }) => attempt_count >= count);
      });
    },
    async stop() {
      run.child.kill('SIGTERM');
      await run.exit;
      await temporal.stop();
      await rm(dir, { recursive: true });
    },
  };
  await server.start();
  return server;
}
