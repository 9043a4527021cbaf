import { expect } from 'vitest';
import { startReceiver, type Behave, type Receiver } from '../support/receiver.js';
import type { Cluster } from './cluster.js';
import { until } from './wait.js';

/** Limit for a delivery to end. */
export const ENDED_MS = 90_000;

let nth = 0;

export interface Row {
  status: string;
  attempts: string[];
}

/** A tenant with one endpoint, at a receiver of its own. */
export interface Case {
  tenant: string;
  receiver: Receiver;
  post(): Promise<{ status: number; body: unknown }>;
  rows(): Promise<Row[]>;
  /** The only delivery once it has ended, and the numbers of the requests. */
  ended(): Promise<Row & { requests: string[] }>;
}

export async function startCase(cluster: Cluster, behave?: Behave): Promise<Case> {
  const tenant = `case_${nth++}`;
  const receiver = await startReceiver(behave ? { behave } : {});
  const endpoint = { url: receiver.url, event_types: ['*'], tenant, timeout_ms: 30_000 };
  expect((await cluster.call('POST', '/v1/endpoints', endpoint)).status).toBe(201);
  const rows = () =>
    cluster.query<Row>(
      `select status, array(select classification from attempts a where a.delivery_id = d.id order by number) as attempts
       from all_deliveries d where tenant = $1`,
      [tenant],
    );
  return {
    tenant,
    receiver,
    post: () =>
      cluster.call('POST', '/v1/events', { type: 'a.b', payload: 1, tenant, idempotency_key: 'only' }),
    rows,
    async ended() {
      const open = 'select from open_deliveries where tenant = $1';
      await until(async () => (await cluster.query(open, [tenant])).length === 0, ENDED_MS);
      const requests = receiver.requests.map(({ headers }) => String(headers['webhook-attempt']));
      return { ...(await rows())[0]!, requests };
    },
  };
}

type Processes = Pick<Cluster['api'], 'kill' | 'start'>[];

export const kill = (processes: Processes) => Promise.all(processes.map((one) => one.kill()));
export const start = (processes: Processes) => Promise.all(processes.map((one) => one.start()));

/** A test must not fail because of the one before it: waits until every process runs, reaches the others and may claim deliveries. */
export async function repair({ api, workers, processes, proxies, query }: Cluster): Promise<void> {
  for (const one of processes) await one.repair();
  for (const proxy of Object.values(proxies)) await proxy.accept();
  // After an outage of Postgres a process claims nothing before its next heartbeat.
  let since: Date | undefined;
  const allBeat = async () => {
    since ??= (await query<{ now: Date }>('select now()'))[0]!.now;
    const alive = await query('select from processes where alive_at > $1', [since]);
    return alive.length >= [api, ...workers].length;
  };
  if (!(await until(allBeat, ENDED_MS))) throw new Error('A process did not come back.');
}
