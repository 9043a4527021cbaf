import { startReceiver } from '../support/receiver.js';
import type { Cluster } from './cluster.js';
import { until } from './wait.js';

export interface Stopped {
  /** Deliveries that were HELD by the pause. */
  held: number;
  /** From the answer to the pause until the last request before the resume; below 0: before the answer. */
  lastRequestMs: number;
  /** DELIVERED in the end, and requests beyond one for each event. */
  delivered: number;
  repeated: number;
  resumedMs: number;
}

const AT_A_TIME = 32;
const ACCEPT_MS = 60_000;
/** Requests to one endpoint under way in one process. */
export const MAX_PER_ENDPOINT = 256;

/**
 * Posts events to a receiver that answers none, so that all but 256 wait, up to 256 of them in the accepting process; pauses everything,
 * lets the receiver answer, and resumes when the others are HELD.
 */
export async function stopEverything(cluster: Cluster, events: number, ms: number): Promise<Stopped> {
  const tenant = `stopped_${events}`;
  let answer: (behaviour: { status: number }) => void = () => {};
  const answered = new Promise<{ status: number }>((resolve) => (answer = resolve));
  const receiver = await startReceiver({ behave: () => answered });
  const count = async (status: string) => {
    const [row] = await cluster.query<{ count: number }>(
      'select count(*)::int as count from all_deliveries where tenant = $1 and status = $2',
      [tenant, status],
    );
    return row!.count;
  };
  try {
    const endpoint = { url: receiver.url, event_types: ['*'], tenant, timeout_ms: 30_000 };
    await cluster.call('POST', '/v1/endpoints', endpoint);
    await postEvents(cluster, tenant, events);
    await receiver.waitFor((requests) => requests.length === MAX_PER_ENDPOINT, ms);

    await cluster.call('POST', '/v1/control/pause', { scope: 'all', reason: 'fault test' });
    const returned = Date.now();
    answer({ status: 200 });
    // The answers make room for the others, which must not be sent.
    await until(async () => (await count('HELD')) + (await count('DELIVERED')) === events, ms);
    const held = await count('HELD');
    const last = Math.max(0, ...receiver.requests.map((request) => request.at));

    await cluster.call('POST', '/v1/control/resume', { scope: 'all' });
    const resumed = Date.now();
    await until(async () => (await count('DELIVERED')) === events, ms, 500);
    const ids = new Set(receiver.requests.map((request) => request.headers['webhook-id']));
    const stopped = {
      held,
      lastRequestMs: last - returned,
      delivered: await count('DELIVERED'),
      repeated: receiver.requests.length - ids.size,
      resumedMs: Date.now() - resumed,
    };
    console.log(
      `kill switch: events=${events} held=${held} last request ${stopped.lastRequestMs} ms after the answer, ` +
        `delivered=${stopped.delivered} repeated=${stopped.repeated} within ${(stopped.resumedMs / 1_000).toFixed(1)}s`,
    );
    return stopped;
  } finally {
    await receiver.close();
  }
}

/** Each with its own key, and posted until it is accepted. */
export async function postEvents(cluster: Cluster, tenant: string, events: number): Promise<void> {
  let next = 0;
  const post = async () => {
    while (next < events) {
      const body = { type: 'a.b', payload: 1, tenant, idempotency_key: `key-${next++}` };
      const isAccepted = async () => {
        const { status } = await cluster.call('POST', '/v1/events', body);
        if (status !== 503 && status !== 202 && status !== 200) throw new Error(`Answered with ${status}.`);
        return status !== 503;
      };
      if (!(await until(isAccepted, ACCEPT_MS))) throw new Error('An event was not accepted.');
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, post));
}
