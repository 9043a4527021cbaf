import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ENDED_MS, kill, repair, start, startCase } from './case.js';
import { startCluster, type Cluster } from './cluster.js';
import { MAX_PER_ENDPOINT, postEvents } from './kill-switch.js';
import { leftovers } from './leftovers.js';
import { sleep, until } from './wait.js';

/** Claims of processes that died, and of those that only looked dead. */
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
}, 300_000);
afterAll(() => cluster?.end(Boolean(process.env.SUREHOOK_KEEP)));
afterEach(() => repair(cluster));

test(
  'kill -9 in the middle of requests: each is numbered and shown, and made again unless it was cancelled',
  async () => {
    const { api, workers, proxies } = cluster;
    const hang = { hang: true } as const;
    const ok = { status: 200 };
    const first = await startCase(cluster, (_request, index) => (index === 0 ? hang : ok));
    const second = await startCase(cluster, (_request, index) => [{ status: 503 }, hang][index] ?? ok);
    const cancelled = await startCase(cluster, () => hang);
    const answered = await startCase(cluster, async (_request, index) => {
      if (index === 0) await proxies['api→postgres'].refuse();
      return ok;
    });
    for (const c of [first, second, cancelled]) expect((await c.post()).status).toBe(202);
    await second.receiver.waitFor((requests) => requests.length === 2);
    for (const { receiver } of [first, cancelled])
      await receiver.waitFor((requests) => requests.length === 1);
    expect((await answered.post()).status).toBe(202);
    await answered.receiver.waitFor((requests) => requests.length === 1);

    await kill([api, ...workers]);
    const [claims] = await cluster.query(
      'select count(*)::int from open_deliveries where claimed_by is not null',
    );
    expect(claims).toEqual({ count: 4 });
    await proxies['api→postgres'].accept();
    await start([api, ...workers]);
    const [delivery] = await cluster.query<{ id: string }>(
      'select id from open_deliveries where tenant = $1',
      [cancelled.tenant],
    );
    expect(await cluster.call('POST', `/v1/deliveries/${delivery!.id}/cancel`)).toMatchObject({
      status: 200,
      body: { status: 'CANCELLED' },
    });

    const lostOnce = { status: 'DELIVERED', attempts: ['WORKER_LOST', 'DELIVERED'], requests: ['1', '2'] };
    expect(await first.ended()).toEqual(lostOnce);
    expect(await answered.ended()).toEqual(lostOnce);
    expect(await second.ended()).toEqual({
      status: 'DELIVERED',
      attempts: ['HTTP_5XX_RETRYABLE', 'WORKER_LOST', 'DELIVERED'],
      requests: ['1', '2', '3'],
    });
    expect(await cancelled.ended()).toEqual({
      status: 'CANCELLED',
      attempts: ['WORKER_LOST'],
      requests: ['1'],
    });
  },
  3 * ENDED_MS,
);

test(
  'Postgres away for longer than a process may be silent: no claim of a living process is called lost',
  async () => {
    const { postgres } = cluster;
    let answer: (behaviour: { status: number }) => void = () => {};
    const answers = new Promise<{ status: number }>((resolve) => (answer = resolve));
    const c = await startCase(cluster, () => answers);
    await postEvents(cluster, c.tenant, 20);
    await c.receiver.waitFor((requests) => requests.length === 20);
    await postgres.stop();
    await sleep(11_000);
    await postgres.start();
    answer({ status: 200 });
    await c.ended();
    expect(await c.rows()).toEqual(Array(20).fill({ status: 'DELIVERED', attempts: ['DELIVERED'] }));
    expect(c.receiver.requests).toHaveLength(20);
  },
  3 * ENDED_MS,
);

test(
  'a process frozen until it counts as dead records what it sent, and sends nothing that waited',
  async () => {
    const { api } = cluster;
    const waiting = 44;
    const count = MAX_PER_ENDPOINT + waiting;
    let answer: (behaviour: { status: number }) => void = () => {};
    const answers = new Promise<{ status: number }>((resolve) => (answer = resolve));
    const c = await startCase(cluster, (_request, index) =>
      index < MAX_PER_ENDPOINT ? answers : { status: 200 },
    );
    await postEvents(cluster, c.tenant, count);
    await c.receiver.waitFor((requests) => requests.length === MAX_PER_ENDPOINT);
    api.freeze();
    answer({ status: 200 });
    // Workers end its claims, and make the attempts again.
    await c.ended();
    expect((await c.rows()).map(({ attempts }) => attempts)).toEqual(
      Array(count).fill(['WORKER_LOST', 'DELIVERED']),
    );
    api.thaw();
    const recorded = async () =>
      (await c.rows()).filter(({ attempts }) => attempts[0] === 'DELIVERED').length;
    expect(await until(async () => (await recorded()) === MAX_PER_ENDPOINT, 30_000)).toBe(true);
    const rows = await c.rows();
    expect(rows.every(({ status, attempts }) => status === 'DELIVERED' && attempts.length === 2)).toBe(true);
    const firsts = c.receiver.requests.filter(({ headers }) => headers['webhook-attempt'] === '1');
    expect(firsts).toHaveLength(MAX_PER_ENDPOINT);
    expect(c.receiver.requests).toHaveLength(MAX_PER_ENDPOINT + count);
  },
  3 * ENDED_MS,
);

test(
  'after all of them nothing is left open, and every event has its workflow',
  async () => {
    expect(await leftovers(cluster, new Date(0), ENDED_MS)).toEqual({
      deliveries: 0,
      starts: 0,
      running: 0,
      without: [],
    });
  },
  3 * ENDED_MS,
);
