import cluster from 'node:cluster';
import { messageOf } from '../lib/error-text.js';
import { createClusterPeers, type PrimaryMessage, type ChildMessage } from './cluster-ipc.js';
import type { Service } from './service-options.js';
import type { StartOptions } from './service-options.js';
import { SHUTDOWN_SIGNALS } from './shutdown-signals.js';
import { logUncaught } from './uncaught.js';

/**
 * A child process of `npm start` with several processes (see cluster-primary.ts). A terminal or service manager signals
 * all of them: children ignore signals and wait for the primary's order. Node ends a child whose primary is gone.
 */
logUncaught();
for (const signal of SHUTDOWN_SIGNALS) process.on(signal, () => {});
// A message to a primary that is gone fails; this process then ends anyway.
cluster.worker?.on('error', () => {});

const send = (report: ChildMessage, then?: () => void) => process.send?.(report, undefined, undefined, then);
const { peers, hear } = createClusterPeers(send);
let starting: Promise<Service> | undefined;

process.on('message', (order: PrimaryMessage) => {
  if (order.kind === 'start') start(order.options);
  else if (order.kind === 'stop') void stop();
  else hear(order);
});
send({ kind: 'listens' });

function start(options: StartOptions): void {
  // Imported late: it takes a second to load, and the signal handlers must be installed before.
  starting = import('./service.js').then(({ startFromOptions }) => startFromOptions(options, peers));
  starting.then(
    (service) => {
      send({ kind: 'started', url: service.url! });
      void service.ready.then(() => send({ kind: 'ready' }));
    },
    (error: unknown) => {
      send({ kind: 'failed', message: messageOf(error) }, () => process.exit(1));
    },
  );
}

async function stop(): Promise<void> {
  const service = await starting;
  await service?.stop();
  process.exit(0);
}
