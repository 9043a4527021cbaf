import cluster from 'node:cluster';
import { createClusterPeers, type PrimaryMessage, type ChildMessage } from './cluster-ipc.js';
import type { Service } from './service-options.js';
import type { StartOptions } from './service-options.js';

/**
 * One of several processes that `npm start` runs (see processes.ts). A terminal and a service manager signal all of them:
 * the first process decides what follows, and without it this one ends, as Node does for every process of a cluster.
 */
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
// What cannot be told to a first process that is gone.
cluster.worker?.on('error', () => {});

const tell = (report: ChildMessage, then?: () => void) => process.send?.(report, undefined, undefined, then);
const { peers, hear } = createClusterPeers(tell);
let starting: Promise<Service> | undefined;

process.on('message', (order: PrimaryMessage) => {
  if (order.kind === 'start') start(order.options);
  else if (order.kind === 'stop') void stop();
  else hear(order);
});
tell({ kind: 'listens' });

function start(options: StartOptions): void {
  // Not before the signals are seen to: it takes a second to load.
  starting = import('./service.js').then(({ startFromOptions }) => startFromOptions(options, peers));
  starting.then(
    (service) => {
      tell({ kind: 'started', url: service.url! });
      void service.ready.then(() => tell({ kind: 'ready' }));
    },
    (error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      tell({ kind: 'failed', message }, () => process.exit(1));
    },
  );
}

async function stop(): Promise<void> {
  const service = await starting;
  await service?.stop();
  process.exit(0);
}
