import type { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { stats } from '../../src/http/answers/stats.js';
import { as, createKey } from '../support/api-keys.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';
import { expectAllCounted } from '../support/stats.js';

type Stats = z.input<typeof stats>;
interface ProblemBody {
  code: string;
  errors: { path: string; message: string }[];
}

let t: TestService;
let receiver: Receiver;
/** Endpoints of the tenant `a` that answers 200, and 400; one of `b` that answers 200. */
let good: string;
let bad: string;
let other: string;

beforeAll(async () => {
  t = await startTestService({ workflows: 'none' });
  receiver = await startReceiver({
    behave: ({ path }) => ({ status: path.endsWith('/bad') ? 400 : 200 }),
  });
  good = (await createEndpoint(t, `${receiver.url}/good`, { tenant: 'a', event_types: ['good.*', 'both'] }))
    .id;
  bad = (await createEndpoint(t, `${receiver.url}/bad`, { tenant: 'a', event_types: ['bad.*', 'both'] })).id;
  other = (await createEndpoint(t, `${receiver.url}/other`, { tenant: 'b' })).id;
  const posted = await Promise.all([
    ...['good.one', 'good.two', 'both', 'both', 'both', 'nobody'].map((type) =>
      postEvent(t, { tenant: 'a', type }),
    ),
    postEvent(t, { tenant: 'b' }),
  ]);
  await Promise.all(posted.flatMap(({ deliveries }) => deliveries.map(({ id }) => deliveryIn(t, id))));
  await expectAllCounted(t.pool, null);
});
afterAll(() => Promise.all([t.stop(), receiver.close()]));

const read = async (query = '', by = t) => {
  const { status, body } = await by.call<Stats>('GET', `/v1/stats${query}`);
  expect(status).toBe(200);
  return body;
};
const refused = async (query: string) => {
  const { status, body } = await t.call<ProblemBody>('GET', `/v1/stats${query}`);
  return { status, path: body.errors[0]?.path };
};
const volume = ({ totals: { events, deliveries, attempts, success_rate } }: Stats) => ({
  ...{ events, deliveries, attempts, success_rate },
});

describe('GET /v1/stats', () => {
  it('counts what happened in the last day, by default of all tenants', async () => {
    const body = await read();
    expect(volume(body)).toEqual({
      events: 7,
      deliveries: { DELIVERED: 6, FAILED: 3, CANCELLED: 0 },
      attempts: { DELIVERED: 6, HTTP_4XX_PERMANENT: 3 },
      success_rate: 6 / 9,
    });
    const { latency_ms, arrival_ms } = body.totals;
    expect(latency_ms!.p99).toBeGreaterThanOrEqual(latency_ms!.p50);
    expect(arrival_ms!.p50).toBeGreaterThan(0);
    expect(body.latency_histogram.reduce((sum, { count }) => sum + count, 0)).toBe(9);
    expect(body.arrival_histogram.reduce((sum, { count }) => sum + count, 0)).toBe(6);
    expect(body.bucket).toBe('hour');
    const sum = body.buckets.reduce((events, bucket) => events + bucket.events!, 0);
    expect(sum).toBe(7);
    expect(Date.parse(String(body.complete_to))).toBeGreaterThan(Date.now() - 60_000);
  });

  it('names the endpoints with the most failed attempts', async () => {
    const { worst_endpoints: worst } = await read();
    const url = `${receiver.url}/bad`;
    const counts = { attempts: 3, failed_attempts: 3 };
    const about = { endpoint_id: bad, tenant: 'a', url, status: 'enabled', deleted_at: null };
    expect(worst).toEqual([{ ...about, ...counts }]);
    expect((await read('?tenant=a&bucket=day')).worst_endpoints).toEqual(worst);
    expect((await read('?tenant=b')).worst_endpoints).toEqual([]);
  });

  it('counts a tenant, an endpoint, and nothing where there is nothing', async () => {
    expect(volume(await read('?tenant=b'))).toMatchObject({
      events: 1,
      deliveries: { DELIVERED: 1, FAILED: 0 },
    });
    expect(volume(await read(`?endpoint_id=${good}`))).toEqual({
      events: null,
      deliveries: { DELIVERED: 5, FAILED: 0, CANCELLED: 0 },
      attempts: { DELIVERED: 5 },
      success_rate: 1,
    });
    const none = { deliveries: { DELIVERED: 0, FAILED: 0, CANCELLED: 0 }, attempts: {}, success_rate: null };
    for (const query of [
      `?tenant=b&endpoint_id=${good}`,
      '?tenant=nobody',
      '?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z',
    ]) {
      const body = await read(query);
      expect(volume(body)).toMatchObject(none);
      expect(body.totals).toMatchObject({ latency_ms: null, arrival_ms: null });
      expect(body).toMatchObject({ buckets: [], latency_histogram: [], worst_endpoints: [] });
    }
  });

  it('answers minutes, hours and days that begin in UTC', async () => {
    const length = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
    for (const [bucket, ms] of Object.entries(length)) {
      const from = new Date(Date.now() - ms * 3 - 7).toISOString();
      const body = await read(`?from=${from}&bucket=${bucket}`);
      const starts = [body.from, ...body.buckets.map(({ starts_at }) => starts_at)];
      expect(starts.map((start) => Date.parse(String(start)) % ms)).toEqual(starts.map(() => 0));
      expect(body.bucket).toBe(bucket);
    }
    expect(await read('?from=2026-01-01T00:00:00Z&to=2026-01-01T05:00:00Z')).toMatchObject({
      bucket: 'minute',
    });
    expect(await read('?from=2026-01-01T00:00:00Z&to=2026-04-01T00:00:00Z')).toMatchObject({ bucket: 'day' });
  });

  it('refuses an empty span, and one of too many buckets', async () => {
    const day = (n: number) => `2026-01-0${n}T00:00:00Z`;
    expect(await refused(`?from=${day(2)}&to=${day(1)}`)).toEqual({ status: 400, path: 'from' });
    expect(await refused(`?from=${day(1)}&to=${day(3)}&bucket=minute`)).toEqual({
      status: 400,
      path: 'bucket',
    });
    expect(await refused('?from=2020-01-01T00:00:00Z')).toEqual({ status: 400, path: 'from' });
    expect(await refused('?tenant=a&bucket=minute')).toEqual({ status: 400, path: 'bucket' });
    expect(await refused('?bucket=second')).toEqual({ status: 400, path: 'bucket' });
    expect(await refused('?event_type=a')).toMatchObject({ status: 400 });
  });

  it('shows a key that is bound to a tenant that tenant only', async () => {
    const { key } = await createKey(t, 'viewer', 'b');
    const b = as(t, key);
    expect(volume(await read('', b))).toMatchObject({ events: 1, deliveries: { DELIVERED: 1, FAILED: 0 } });
    expect(volume(await read(`?endpoint_id=${good}`, b))).toMatchObject({ attempts: {} });
    expect((await b.call('GET', '/v1/stats?tenant=a')).status).toBe(403);
    expect((await b.call('GET', `/v1/endpoints/${good}/stats`)).status).toBe(404);
    const own = await b.call<Stats>('GET', `/v1/endpoints/${other}/stats`);
    expect(volume(own.body)).toMatchObject({ attempts: { DELIVERED: 1 } });
  });
});

it('GET /v1/endpoints/:id/stats answers the same of one endpoint', async () => {
  const { body } = await t.call<Stats>('GET', `/v1/endpoints/${bad}/stats?bucket=day`);
  expect(body).toMatchObject({
    bucket: 'day',
    totals: { events: null, deliveries: { FAILED: 3 }, success_rate: 0, arrival_ms: null },
    worst_endpoints: [],
  });
  expect((await t.call('GET', '/v1/endpoints/ep_01a227cd044f74ef9b68a051ecb37650/stats')).status).toBe(404);
});

it('counts what happens later, and by several processes each once', async () => {
  const second = await startTestService({
    databaseUrl: t.databaseUrl,
    taskQueue: t.taskQueue,
    workflows: 'none',
  });
  try {
    for (let n = 0; n < 20; n++) await postEvent(n % 2 ? t : second, { tenant: 'c' });
    await eventually(async () => (await read('?tenant=c')).totals.events === 20);
    await expectAllCounted(t.pool, null);
  } finally {
    await second.stop();
  }
});
