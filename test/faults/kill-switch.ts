import { startReceiver } from '../support/receiver.js';
import { changeLane, type Cluster } from './cluster.js';
import { sleep, until } from './wait.js';

export interface Stopped {
  /** Deliveries that had not ended when everything was stopped. */
  waiting: number;
  /** From the answer to the pause until the last request before the resume; below 0: before the answer. */
  lastRequestMs: number;
  /** Of `events`, those DELIVERED in the end, and requests beyond one for each. */
  delivered: number;
  repeated: number;
  drainedMs: number;
}

const AT_A_TIME = 32;
/** Requests by which it shows that the workers are at it. */
const BEGUN = 20;

/** Posts events while there is no worker, stops everything as soon as there are and have begun, and lets it go on. */
export async function stopEverything(cluster: Cluster, events: number, ms: number): Promise<Stopped> {
  const { workers, lane } = cluster;
  const tenant = `stopped_${events}`;
  const receiver = await startReceiver({ behave: () => ({ status: 200, afterMs: 100 }) });
  try {
    // In a burst the API would make attempts itself.
    await changeLane(cluster, 'workflow');
    await Promise.all(workers.map((worker) => worker.stop()));
    await cluster.call('POST', '/v1/endpoints', { url: receiver.url, event_types: ['*'], tenant });
    await postEvents(cluster, tenant, events);
    await Promise.all(workers.map((worker) => worker.start()));
    await receiver.waitFor((requests) => requests.length >= BEGUN, 60_000);

    await cluster.call('POST', '/v1/control/pause', { scope: 'all', reason: 'fault test' });
    const returned = Date.now();
    await sleep(3_000);
    const last = Math.max(0, ...receiver.requests.map((request) => request.at));
    const count = async (where: string) => {
      const [row] = await cluster.query<{ count: number }>(
        `select count(*)::int as count from deliveries where tenant = $1 and ${where}`,
        [tenant],
      );
      return row!.count;
    };
    const waiting = await count('completed_at is null');

    await cluster.call('POST', '/v1/control/resume', { scope: 'all' });
    const resumed = Date.now();
    await until(async () => (await count(`status = 'DELIVERED'`)) === events, ms, 500);
    const ids = new Set(receiver.requests.map((request) => request.headers['webhook-id']));
    const stopped = {
      waiting,
      lastRequestMs: last - returned,
      delivered: await count(`status = 'DELIVERED'`),
      repeated: receiver.requests.length - ids.size,
      drainedMs: Date.now() - resumed,
    };
    console.log(
      `kill switch: events=${events} waiting=${waiting} last request ${stopped.lastRequestMs} ms after the answer, ` +
        `delivered=${stopped.delivered} repeated=${stopped.repeated} drained in ${(stopped.drainedMs / 1000).toFixed(1)}s`,
    );
    return stopped;
  } finally {
    await Promise.all(workers.map((worker) => worker.repair()));
    await changeLane(cluster, lane);
    await receiver.close();
  }
}

/** Each with a key of its own; throws where one is not accepted. */
export async function postEvents(cluster: Cluster, tenant: string, events: number): Promise<void> {
  let next = 0;
  const post = async () => {
    while (next < events) {
      const body = { type: 'a.b', payload: 1, tenant, idempotency_key: `key-${next++}` };
      const { status } = await cluster.call('POST', '/v1/events', body);
      if (status !== 202) throw new Error(`An event was answered with ${status}.`);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, post));
}
