import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ENDED_MS, kill, repair, start, startCase, type Case } from './case.js';
import { startCluster, type Cluster } from './cluster.js';
import { leftovers } from './leftovers.js';
import { sleep, until } from './wait.js';

/** Processes killed, frozen or cut off exactly between two steps that belong together. */
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
}, 300_000);
afterAll(() => cluster?.end(Boolean(process.env.SUREHOOK_KEEP)));
afterEach(() => repair(cluster));

/** Posts an event, and strikes while it is being committed. */
async function inMidCommit({ post }: Case, strike: () => Promise<void>) {
  await cluster.query(`create function slow() returns trigger language plpgsql as
    $$ begin perform pg_sleep(2); return null; end $$`);
  await cluster.query(`create constraint trigger slow after insert on idempotency_keys
    deferrable initially deferred for each row execute function slow()`);
  try {
    const answer = post().catch((error: Error) => error);
    const committing = () =>
      cluster.query(
        `select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()`,
      );
    expect(await until(async () => (await committing()).length > 0, 30_000, 10)).toBe(true);
    await strike();
    expect(await until(async () => (await committing()).length === 0, 30_000, 10)).toBe(true);
    return await answer;
  } finally {
    await cluster.query('drop function slow cascade');
  }
}

test(
  'the API killed in mid-commit: its sender is recognised, the claim shows as lost, and the event is sent once',
  async () => {
    const c = await startCase(cluster);
    expect(await inMidCommit(c, () => cluster.api.kill())).toBeInstanceOf(Error);
    await cluster.api.start();
    expect(await c.post()).toMatchObject({ status: 200, body: { duplicate: true } });
    // Nobody can know whether the process that died had sent it.
    expect(await c.ended()).toEqual({
      status: 'DELIVERED',
      attempts: ['WORKER_LOST', 'DELIVERED'],
      requests: ['2'],
    });
  },
  3 * ENDED_MS,
);

test(
  'cut off from Postgres in mid-commit, the API says that it does not know, and what was stored is sent once',
  async () => {
    const c = await startCase(cluster);
    expect(await inMidCommit(c, async () => cluster.proxies['api→postgres'].reset())).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining('not known whether this was stored') as string },
    });
    expect(await c.ended()).toEqual({ status: 'DELIVERED', attempts: ['DELIVERED'], requests: ['1'] });
    expect(await c.post()).toMatchObject({ status: 200, body: { duplicate: true } });
  },
  3 * ENDED_MS,
);

test(
  'the API killed before it has started the workflow: the event is delivered once, and gets its workflow',
  async () => {
    const c = await startCase(cluster);
    await cluster.proxies['api→temporal'].refuse();
    expect((await c.post()).status).toBe(202);
    expect(await c.ended()).toEqual({ status: 'DELIVERED', attempts: ['DELIVERED'], requests: ['1'] });
    await cluster.api.kill();
    await cluster.proxies['api→temporal'].accept();
    await cluster.api.start();
    expect(await c.post()).toMatchObject({ status: 200, body: { duplicate: true } });
    // The last test looks for its workflow.
  },
  3 * ENDED_MS,
);

test(
  'Postgres away between the 2xx and its record: it is recorded later, and nothing is sent again',
  async () => {
    const c = await startCase(cluster, async () => {
      await cluster.proxies['api→postgres'].refuse();
      return { status: 200 };
    });
    expect((await c.post()).status).toBe(202);
    await c.receiver.waitFor((requests) => requests.length === 1);
    await sleep(2_000);
    await cluster.proxies['api→postgres'].accept();
    expect(await c.ended()).toEqual({ status: 'DELIVERED', attempts: ['DELIVERED'], requests: ['1'] });
  },
  3 * ENDED_MS,
);

test(
  'a disk that is full when the attempt is to be recorded: it is recorded when there is room',
  async () => {
    const c = await startCase(cluster);
    await cluster.query(`create function no_room() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`);
    await cluster.query(
      `create trigger no_room before insert on attempts for each row execute function no_room()`,
    );
    expect((await c.post()).status).toBe(202);
    await c.receiver.waitFor((requests) => requests.length === 1);
    await sleep(2_000);
    // Not dropped: that would lock the tables, and be in the way of the record.
    await cluster.query(
      'create or replace function no_room() returns trigger language plpgsql as $$ begin return new; end $$',
    );
    expect(await c.ended()).toEqual({ status: 'DELIVERED', attempts: ['DELIVERED'], requests: ['1'] });
  },
  3 * ENDED_MS,
);

test(
  'an outcome without Postgres waits in the workflow while every process of ours is killed',
  async () => {
    const { api, workers, proxies } = cluster;
    const c = await startCase(cluster, async ({ headers }) => {
      // The retry is made by a worker.
      if (headers['webhook-attempt'] === '1') return { status: 503 };
      if (headers['webhook-attempt'] === '2') await proxies['worker→postgres'].refuse();
      return { status: 200 };
    });
    expect((await c.post()).status).toBe(202);
    await c.receiver.waitFor((requests) => requests.length === 2);
    await sleep(2_000);
    await kill([...workers, api]);
    await proxies['worker→postgres'].accept();
    await start([...workers, api]);
    // If the claim was called lost before that, the outcome replaces it.
    const attempts = async () => (await c.rows())[0]!.attempts;
    await until(async () => (await attempts())[1] === 'DELIVERED', ENDED_MS);
    expect((await attempts()).slice(0, 2)).toEqual(['HTTP_5XX_RETRYABLE', 'DELIVERED']);
    expect((await c.ended()).status).toBe('DELIVERED');
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
