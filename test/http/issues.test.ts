import type { z } from 'zod';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { issue } from '../../src/http/answers/issues.js';
import { as, createKey } from '../support/api-keys.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

type Issue = z.input<typeof issue>;
interface List {
  data: Issue[];
  next_cursor: string | null;
}

let t: TestService;
let receiver: Receiver;
/** Endpoints of `a` that answer 401, and 503; one of `b` that answers 410. */
let refusing: string;
let failing: string;
let gone: string;
const FIRST_RETRY_MS = 3_600_000;

beforeAll(async () => {
  t = await startTestService({
    workflows: 'none',
    retryPolicy: {
      initialMs: FIRST_RETRY_MS,
      coefficient: 1,
      maximumMs: FIRST_RETRY_MS,
      maximumAttempts: 12,
    },
  });
  receiver = await startReceiver({ behave: ({ path }) => ({ status: Number(path.split('/').at(-1)) }) });
  refusing = (await createEndpoint(t, `${receiver.url}/401`, { tenant: 'a', event_types: ['refused'] })).id;
  failing = (await createEndpoint(t, `${receiver.url}/503`, { tenant: 'a', event_types: ['failed'] })).id;
  gone = (await createEndpoint(t, `${receiver.url}/410`, { tenant: 'b' })).id;
  for (const type of ['refused', 'refused', 'refused', 'failed', 'failed'])
    await postEvent(t, { tenant: 'a', type });
  await postEvent(t, { tenant: 'b' });
  await eventually(async () => {
    const { data } = await list('?status=all');
    return (
      data.length === 3 && data.every((one) => one.failed_count + one.retrying_count === one.attempt_count)
    );
  });
});
afterAll(() => Promise.all([t.stop(), receiver.close()]));

async function list(query = '', by = t): Promise<List> {
  const { status, body } = await by.call<List>('GET', `/v1/issues${query}`);
  expect(status).toBe(200);
  return body;
}
const ofEndpoint = async (id: string) => (await list(`?status=all&endpoint_id=${id}`)).data[0]!;
const mark = (id: string, verb: string, body?: unknown, by = t) =>
  by.call<Issue>('POST', `/v1/issues/${id}/${verb}`, body);

/** Posts an event that fails, and waits until it is counted. */
async function failAgain(): Promise<void> {
  const { attempt_count } = await ofEndpoint(refusing);
  const { deliveries } = await postEvent(t, { tenant: 'a', type: 'refused' });
  await deliveryIn(t, deliveries[0]!.id);
  await eventually(async () => (await ofEndpoint(refusing)).attempt_count === attempt_count + 1);
}

describe('GET /v1/issues', () => {
  it('groups failures by endpoint and classification, with words about them', async () => {
    const { data, next_cursor } = await list('?tenant=a');
    expect(next_cursor).toBeNull();
    const of = (id: string) => data.find(({ endpoint_id }) => endpoint_id === id)!;
    expect(data).toHaveLength(2);
    expect(of(refusing)).toMatchObject({
      ...{ endpoint_url: `${receiver.url}/401`, endpoint_status: 'enabled', tenant: 'a', status: 'open' },
      ...{ classification: 'HTTP_4XX_PERMANENT', attempt_count: 3, failed_count: 3, retrying_count: 0 },
      ...{ acknowledged_at: null, acknowledged_by: null, note: null },
      title: 'The receiver refuses requests: HTTP 401',
    });
    expect(of(refusing).explanation).toContain('It refuses the credentials');
    expect(of(failing)).toMatchObject({
      ...{ classification: 'HTTP_5XX_RETRYABLE', attempt_count: 2, failed_count: 0, retrying_count: 2 },
    });
    for (const { first_seen_at: first, last_seen_at: last } of data) {
      expect(Date.parse(String(last))).toBeGreaterThanOrEqual(Date.parse(String(first)));
      expect(Math.abs(Date.now() - Date.parse(String(last)))).toBeLessThan(60_000);
    }
    const sample = await t.call('GET', `/v1/deliveries/${of(refusing).sample_delivery_id}`);
    expect(sample.body).toMatchObject({ endpoint_id: refusing, last_classification: 'HTTP_4XX_PERMANENT' });
  });

  it('shows a key that is bound to a tenant its own issues alone', async () => {
    const viewer = as(t, (await createKey(t, 'viewer', 'b')).key);
    const { data } = await list('?status=all', viewer);
    expect(data).toMatchObject([{ endpoint_id: gone, classification: 'GONE', endpoint_status: 'disabled' }]);
    const operator = as(t, (await createKey(t, 'operator', 'b')).key);
    expect((await mark((await ofEndpoint(refusing)).id, 'acknowledge', {}, operator)).status).toBe(404);
    expect((await ofEndpoint(refusing)).status).toBe('open');
  });

  it('goes on by a cursor, each issue once, and refuses one of another list', async () => {
    const seen: string[] = [];
    let query = '?status=all&limit=1';
    for (;;) {
      const { data, next_cursor } = await list(query);
      seen.push(...data.map(({ id }) => id));
      if (next_cursor === null) break;
      query = `?status=all&limit=1&cursor=${next_cursor}`;
    }
    const whole = (await list('?status=all')).data.map(({ id }) => id);
    expect(seen).toEqual(whole);
    expect(whole).toHaveLength(3);
    const foreign = Buffer.from(refusing).toString('base64url');
    expect((await t.call('GET', `/v1/issues?cursor=${foreign}`)).status).toBe(400);
  });

  it('has no issue of a deleted endpoint', async () => {
    const { id } = await createEndpoint(t, `${receiver.url}/404`, { tenant: 'c' });
    await postEvent(t, { tenant: 'c' });
    await eventually(async () => (await list('?tenant=c')).data.length === 1);
    await t.call('DELETE', `/v1/endpoints/${id}`);
    expect((await list('?tenant=c&status=all')).data).toEqual([]);
  });
});

describe('POST /v1/issues/{id}/acknowledge', () => {
  it('takes an issue out of the open ones until it fails again', async () => {
    const { id } = await ofEndpoint(refusing);
    const { status, body } = await mark(id, 'acknowledge', { note: 'their team is told' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      status: 'acknowledged',
      note: 'their team is told',
      acknowledged_by: 'admin',
    });
    const statusOf = async (query: string) =>
      (await list(query)).data.find((one) => one.id === id)?.status ?? 'not listed';
    expect(await statusOf('')).toBe('not listed');
    expect(await statusOf('?status=acknowledged')).toBe('acknowledged');
    const all = (await list('?status=all')).data;
    expect(all.at(-1)!.id).toBe(id);

    await failAgain();
    expect(await statusOf('')).toBe('open');
    expect(await statusOf('?status=acknowledged')).toBe('not listed');
    expect((await list()).data[0]).toMatchObject({ id, attempt_count: 4, failed_count: 4 });
  });

  it('is undone by reopen, and both are in the audit', async () => {
    const { id } = await ofEndpoint(failing);
    await mark(id, 'acknowledge', { note: 'known' });
    const { body } = await mark(id, 'reopen');
    expect(body).toMatchObject({
      id,
      status: 'open',
      acknowledged_at: null,
      acknowledged_by: null,
      note: null,
    });
    const audit = await t.call('GET', `/v1/audit?object=${id}`);
    expect(audit.body).toMatchObject({
      data: [
        { action: 'issue.reopen', tenant: 'a', actor: 'admin', reason: null, after: { status: 'open' } },
        { action: 'issue.acknowledge', tenant: 'a', reason: 'known', before: { status: 'open' } },
      ],
    });
  });
});
