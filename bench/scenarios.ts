import { setTimeout as sleep } from 'node:timers/promises';
import { endpoint, type Arrived, type Backdrop } from './backdrop.js';
import { cpuPer } from './floors.js';
import { filters } from './filters.js';
import { listing } from './listing.js';
import type { Load, LoadResult } from './load.js';
import { startProduct, type Product } from './product.js';
import type { Row } from './report.js';

type Scenario = (backdrop: Backdrop) => Promise<Row[]>;

export const SCENARIOS: Record<string, Scenario> = {
  a: async (backdrop) => [
    await closedLoop(backdrop, 'a: closed loop, 64 connections, 200 bytes', { payload: 'small' }),
    await closedLoop(backdrop, 'a: the same, GitHub payloads of 1-30 KB', { payload: 'github' }),
    await closedLoop(backdrop, 'a: the same, 100 events in a request', {
      payload: 'small',
      path: '/v1/events/batch',
      batch: 100,
      connections: 4,
    }),
  ],
  b: async (backdrop) => [
    await offered(backdrop, 'default', { rate: 50, seconds: 20 }),
    await offered(backdrop, 'after a burst of 20,000', { rate: 50, seconds: 20, burst: 20_000 }),
    await offered(backdrop, 'Temporal stopped', { rate: 50, seconds: 20, frozen: true }),
    await offered(backdrop, 'default', { rate: 500, seconds: 15 }),
  ],
  c: async (backdrop) => [
    await closedLoop(backdrop, 'c: fan-out of 10', { payload: 'small', count: 4_000 }, { fanOut: 10 }),
  ],
  d: async (backdrop) => [
    await closedLoop(
      backdrop,
      'd: a receiver that takes 200 ms',
      { payload: 'small', count: 10_000 },
      { path: '/delay/200' },
    ),
  ],
  e: halfHangs,
  f: filters,
  g: backlog,
  h: listing,
  replay,
};

/** The product from its start to its end, for one measurement. */
export async function withProduct<T>(
  env: Record<string, string>,
  work: (product: Product) => Promise<T>,
): Promise<T> {
  const product = await startProduct(env);
  try {
    return await work(product);
  } finally {
    await product.stop();
  }
}

interface Setting {
  env?: Record<string, string>;
  fanOut?: number;
  /** At the receiver. */
  path?: string;
}

/** As many requests as come back, for `count` events, until the last has arrived. */
function closedLoop(
  { load, receiver, awaitArrival }: Backdrop,
  name: string,
  options: Partial<Load>,
  { env = {}, fanOut = 1, path = '' }: Setting = {},
): Promise<Row> {
  return withProduct(env, async (product) => {
    const run = `${path}/${name.replaceAll(/\W+/g, '-')}/`;
    for (const tenant of ['warm', 'run']) {
      for (let i = 0; i < fanOut; i++) await endpoint(product, receiver, tenant, `${run}${tenant}/${i}`);
    }
    const count = options.count ?? 20_000;
    const post = (tenant: string, events: number) =>
      load({ url: product.url, connections: 64, payload: 'small', ...options, tenant, count: events });
    const arrive = async (tenant: string, events: number) => {
      // Distinct ids: each arrives at every endpoint.
      const at = await Promise.all(
        Array.from({ length: fanOut }, (_, i) => awaitArrival(`${run}${tenant}/${i}`, events)),
      );
      return {
        requests: sum(at.map(({ requests }) => requests)),
        distinct: sum(at.map(({ distinct }) => distinct)),
        lastAt: Math.max(...at.map(({ lastAt }) => lastAt)),
        p50: at[0]!.p50,
        p99: at[0]!.p99,
      };
    };
    const warm = Math.min(2_000, count / 4);
    await arrive('warm', (await post('warm', warm)).events);

    const peak = watchMemory(product);
    const before = product.usage();
    const sent = await post('run', count);
    const arrived = await arrive('run', sent.events);
    await settled(product);
    const { cpu } = product.usage();
    const seconds = (arrived.lastAt - sent.startedAt) / 1_000;
    return {
      name,
      events: sent.events,
      seconds,
      perSecond: sent.events / seconds,
      ...(fanOut > 1 ? { deliveriesPerSecond: (sent.events * fanOut) / seconds } : {}),
      p50: arrived.p50,
      p99: arrived.p99,
      cpu: cpuPer(sent.events, before.cpu, cpu),
      memory: peak(),
      ...outcome(sent, arrived, fanOut),
    };
  });
}

/** A fixed rate of events, whatever the answers take: alone, right after a burst, or with a Temporal that is away. */
function offered(
  { load, receiver, awaitArrival }: Backdrop,
  name: string,
  {
    rate,
    seconds,
    burst = 0,
    frozen = false,
  }: { rate: number; seconds: number; burst?: number; frozen?: boolean },
): Promise<Row> {
  return withProduct({}, async (product) => {
    const path = `/b/${name.replaceAll(/\W+/g, '-')}/${rate}`;
    for (const tenant of ['warm', 'burst', 'run'])
      await endpoint(product, receiver, tenant, `${path}/${tenant}`);
    const options = { url: product.url, connections: 64, payload: 'github' as const };
    const warm = await load({ ...options, tenant: 'warm', rate, seconds: 5 });
    await awaitArrival(`${path}/warm`, warm.events);
    if (frozen) product.freezeTemporal();
    if (burst > 0) {
      await load({ ...options, payload: 'small', tenant: 'burst', count: burst });
      await awaitArrival(`${path}/burst`, burst);
    }
    const before = product.usage();
    const sent = await load({ ...options, tenant: 'run', rate, seconds });
    const arrived = await awaitArrival(`${path}/run`, sent.events);
    await settled(product);
    const { cpu } = product.usage();
    return {
      name: `b: ${rate}/s offered, ${name}`,
      events: sent.events,
      seconds,
      perSecond: sent.events / ((arrived.lastAt - sent.startedAt) / 1_000),
      p50: arrived.p50,
      p99: arrived.p99,
      cpu: cpuPer(sent.events, before.cpu, cpu),
      ...outcome(sent, arrived, 1),
    };
  });
}

/** Ten endpoints at a quick receiver: alone, beside ten more of them, and beside ten that hang until the deadline of 15 s. */
function halfHangs({ load, receiver, arrived, awaitArrival }: Backdrop): Promise<Row[]> {
  return withProduct({}, async (product) => {
    for (let i = 0; i < 10; i++) {
      for (const tenant of ['alone', 'well', 'half']) {
        await endpoint(product, receiver, tenant, `/e/${tenant}/${i}`);
      }
      await endpoint(product, receiver, 'well', `/e/beside/${i}`);
      await endpoint(product, receiver, 'half', `/hang/${i}`);
    }
    const run = async (tenant: string, name: string): Promise<Row> => {
      const options = { url: product.url, connections: 64, payload: 'small' as const, tenant };
      // Not the first seconds, with their new connections.
      const warm = await load({ ...options, rate: 50, seconds: 5 });
      await awaitArrivalOfAll(tenant, warm.events);
      await arrived(`/e/${tenant}?reset`);
      const sent = await load({ ...options, rate: 50, seconds: 20 });
      const at = await awaitArrivalOfAll(tenant, sent.events);
      return {
        name,
        events: sent.events,
        seconds: sent.seconds,
        perSecond: sent.events / sent.seconds,
        p50: at.p50,
        p99: at.p99,
        lost: sent.events * 10 - at.distinct,
      };
    };
    const awaitArrivalOfAll = async (tenant: string, events: number) => {
      const at = await Promise.all(
        Array.from({ length: 10 }, (_, i) => awaitArrival(`/e/${tenant}/${i}`, events)),
      );
      const worst = at.reduce((a, b) => ((b.p99 ?? 0) > (a.p99 ?? 0) ? b : a));
      return { ...worst, distinct: sum(at.map(({ distinct }) => distinct)) };
    };
    return [
      await run('alone', 'e: 50/s to ten endpoints'),
      await run('well', 'e: ten endpoints, beside ten like them'),
      await run('half', 'e: ten endpoints, beside ten that hang'),
    ];
  });
}

/** Everything paused, as in an outage; 100,000 events; resumed. */
function backlog({ load, receiver, awaitArrival }: Backdrop): Promise<Row[]> {
  return withProduct({}, async (product) => {
    const count = Number(process.env.BENCH_BACKLOG ?? 100_000);
    await endpoint(product, receiver, 'run', '/g');
    await product.call('POST', '/v1/control/pause', { scope: 'all', reason: 'bench' });
    const sent = await load({
      ...{ url: product.url, path: '/v1/events/batch', batch: 100 },
      ...{ connections: 4, payload: 'small', tenant: 'run', count },
    });
    const drained = watchBacklog(product);
    await product.call('POST', '/v1/control/resume', { scope: 'all', reason: 'bench' });
    const arrived = await awaitArrival('/g', sent.events);
    await settled(product);
    return [drained(`g: a backlog of ${count.toLocaleString('en')}`, sent, arrived)];
  });
}

/** 10,000 deliveries made again by one batch without a limit of its rate. */
function replay({ load, receiver, awaitArrival }: Backdrop): Promise<Row[]> {
  return withProduct({}, async (product) => {
    const id = await endpoint(product, receiver, 'run', '/replay/before');
    const sent = await load({
      ...{ url: product.url, path: '/v1/events/batch', batch: 100 },
      ...{ connections: 4, payload: 'small', tenant: 'run', count: 10_000 },
    });
    await awaitArrival('/replay/before', sent.events);
    await settled(product);
    // Where they are counted on their own.
    await product.call('PATCH', `/v1/endpoints/${id}`, { url: `${receiver}/replay/again` });
    const drained = watchBacklog(product);
    await product.call('POST', '/v1/batches', {
      ...{ filter: { tenant: 'run' }, include_delivered: true, rate_per_second: 0 },
    });
    const arrived = await awaitArrival('/replay/again', sent.events);
    await settled(product);
    return [drained('replay: a batch of 10,000 at rate 0', sent, arrived)];
  });
}

/** Measures from now until every event of `sent` has arrived. */
function watchBacklog(product: Product) {
  const peak = watchMemory(product);
  const before = product.usage();
  const began = Date.now();
  return (name: string, sent: LoadResult, arrived: Arrived): Row => {
    const seconds = (arrived.lastAt - began) / 1_000;
    return {
      name,
      events: sent.events,
      seconds,
      perSecond: arrived.distinct / seconds,
      cpu: cpuPer(sent.events, before.cpu, product.usage().cpu),
      memory: peak(),
      ...outcome(sent, arrived, 1),
    };
  };
}

const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

export function outcome(sent: LoadResult, arrived: { requests: number; distinct: number }, fanOut: number) {
  const accepted = (sent.statuses['202'] ?? 0) + (sent.statuses['200'] ?? 0);
  return {
    lost: accepted * fanOut - arrived.distinct + (sent.events - accepted),
    repeated: arrived.requests - arrived.distinct,
  };
}

/** Until all that was sent is also recorded. */
export async function settled(product: Product): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if ((await open(product)) === 0) return;
    await sleep(50);
  }
}

/** Deliveries that have not ended, or those of them in one state. */
export async function open(product: Product, status = '.*'): Promise<number> {
  const text = await product.call<string>('GET', '/metrics');
  const counts = text.matchAll(new RegExp(`^surehook_open_deliveries\\{.*"${status}".*\\} (\\d+)$`, 'gm'));
  return sum([...counts].map(([, count]) => Number(count)));
}

export function watchMemory(product: Product): () => number {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, sum(Object.values(product.usage().memory)));
  };
  const timer = setInterval(look, 500);
  return () => {
    look();
    clearInterval(timer);
    return peak;
  };
}
