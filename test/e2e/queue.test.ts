import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { acceptEvents } from '../../src/db/open-deliveries/index.js';
import { newId } from '../../src/lib/ids.js';
import { insertReady } from '../support/open-rows.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** Ready deliveries in Postgres are attempted by any process with room. */
let t: TestService;
let receiver: Receiver;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 200, workflows: 'none' });
});
afterAll(() => t.stop());
afterEach(() => t.pool.query('delete from control'));
beforeEach(async () => {
  tenant = `tenant_${nth++}_${t.taskQueue}`;
  receiver = await startReceiver();
  return () => receiver.close();
});

const endpointOf = (of = t, url = receiver.url) => createEndpoint(of, url, { tenant });
const control = async (verb: 'pause' | 'resume', of = t) => {
  const answer = await of.call('POST', `/v1/control/${verb}`, { scope: 'all', reason: 'test' });
  expect(answer.status).toBe(200);
};
const post = async (count: number, of = t) => {
  const events = Array.from({ length: count }, (_, n) => ({ type: 'a.b', tenant, payload: n }));
  expect((await of.call('POST', '/v1/events/batch', { events })).status).toBe(200);
};
/** Deliveries older than 10 s are overdue: their rate is limited when they are resumed. */
const makeOverdue = (of = t) =>
  of.pool.query(`update open_deliveries set run_at = now() - interval '1 minute' where tenant = $1`, [
    tenant,
  ]);
const statuses = async (of = t) => {
  const { rows } = await of.pool.query<{ status: string; attempt_count: number; count: number }>(
    `select status, attempt_count, count(*)::int from all_deliveries where tenant = $1 group by 1, 2 order by 1, 2`,
    [tenant],
  );
  return rows;
};
/** All are DELIVERED at their first attempt, with one request each. */
async function allArrive(count: number, of = t): Promise<void> {
  const expected = JSON.stringify([{ status: 'DELIVERED', attempt_count: 1, count }]);
  await eventually(async () => JSON.stringify(await statuses(of)) === expected, 120_000);
  const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
  expect(ids).toHaveLength(count);
  expect(new Set(ids).size).toBe(count);
}
/** Most requests that arrived within any `ms`. */
function peak(ms: number): number {
  const times = receiver.requests.map(({ at }) => at).sort((a, b) => a - b);
  let first = 0;
  return Math.max(
    ...times.map((at, i) => {
      while (times[first]! <= at - ms) first += 1;
      return i + 1 - first;
    }),
  );
}

test('deliveries accepted during a pause are sent when it ends, at a growing rate, each once', async () => {
  await endpointOf();
  await control('pause');
  await post(1_000);
  expect(await statuses()).toEqual([{ status: 'HELD', attempt_count: 0, count: 1_000 }]);
  await makeOverdue();
  await control('resume');
  await receiver.waitFor((requests) => requests.length >= 50);
  // 100 in the first second, twice as many in the next.
  const early = receiver.requests[0]!.at;
  await receiver.waitFor((requests) => requests.at(-1)!.at - early > 500);
  expect(receiver.requests.filter(({ at }) => at - early <= 500).length).toBeLessThan(200);
  await allArrive(1_000);
  expect(peak(100)).toBeLessThan(500);
});

test('a pause in the middle of it stops the rest, which is held until the next resume', async () => {
  receiver.setBehaviour(() => ({ status: 200, afterMs: 50 }));
  await endpointOf();
  await control('pause');
  await post(1_000);
  await makeOverdue();
  await control('resume');
  await receiver.waitFor((requests) => requests.length >= 150);
  await control('pause');
  await eventually(async () =>
    (await statuses()).every(({ status }) => ['HELD', 'DELIVERED'].includes(status)),
  );
  const sent = receiver.requests.length;
  expect(sent).toBeLessThan(1_000);
  expect(await statuses()).toEqual([
    { status: 'DELIVERED', attempt_count: 1, count: sent },
    { status: 'HELD', attempt_count: 0, count: 1_000 - sent },
  ]);
  await sleep(500);
  expect(receiver.requests).toHaveLength(sent);
  await control('resume');
  await allArrive(1_000);
});

test('a process that stops in the middle of it leaves the rest to the next one, and nothing is sent twice', async () => {
  receiver.setBehaviour(() => ({ status: 200, afterMs: 300 }));
  const first = await startTestService({ pollEveryMs: 200, workflows: 'none' });
  const { databaseUrl, taskQueue } = first;
  await endpointOf(first);
  await control('pause', first);
  await post(1_000, first);
  await makeOverdue(first);
  await control('resume', first);
  await receiver.waitFor((requests) => requests.length >= 150);
  await first.stop();
  const second = await startTestService({ pollEveryMs: 200, workflows: 'none', databaseUrl, taskQueue });
  try {
    await allArrive(1_000, second);
  } finally {
    await second.stop();
  }
});

/** Accepted by a process that has no room for attempts. */
async function acceptReady(of = t): Promise<string> {
  const id = newId('evt');
  const event = {
    ...{ id, tenant, type: 'a.b', payload: '{}', idempotencyKey: id, endpointIds: null, maxAttempts: 12 },
    ...{ requestHash: '00', workflowId: `deliver:${tenant}:${id}`, createdAt: new Date() },
  };
  const [stored] = await acceptEvents(of.pool, [event], { claimedBy: null, workflow: 'later' });
  if (stored!.kind !== 'accepted') throw new Error(stored!.kind);
  return stored!.made[0]!.id;
}

test('a delivery that its accepting process had no room for is sent by the poller', async () => {
  await endpointOf();
  expect(await deliveryIn(t, await acceptReady())).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(receiver.requests).toHaveLength(1);
});

test('a claim whose answer was lost is released by its process, and its attempt is not used up', async () => {
  const { id: endpointId } = await endpointOf();
  await t.call('POST', `/v1/endpoints/${endpointId}/pause`);
  await post(1);
  const claimed = await t.pool.query(
    `update open_deliveries set claimed_by = p.id, claim = claim + 1, claim_until = now() + interval '75 s'
     from processes p where tenant = $1 and p.alive_at > now() - interval '3 s'`,
    [tenant],
  );
  expect(claimed.rowCount).toBe(1);
  await t.call('POST', `/v1/endpoints/${endpointId}/enable`);
  await allArrive(1);
});

test('with its tenant paused, it is held, says why, and is sent when the pause ends', async () => {
  await endpointOf();
  await t.call('POST', '/v1/control/pause', { scope: 'tenant', tenant, reason: 'unpaid' });
  const id = await acceptReady();
  expect(await getDelivery(t, id)).toMatchObject({ status: 'HELD', status_reason: 'tenant paused: unpaid' });
  await sleep(500);
  expect(receiver.requests).toHaveLength(0);
  await t.call('POST', '/v1/control/resume', { scope: 'tenant', tenant, reason: 'paid' });
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED' });
  expect(receiver.requests).toHaveLength(1);
});

test('an endpoint that is paused leaves the other deliveries of its event alone', async () => {
  const [open, paused] = [await endpointOf(), await endpointOf(t, `${receiver.url}/paused`)];
  await t.call('POST', `/v1/endpoints/${paused.id}/pause`, { reason: 'test' });
  const { deliveries } = await postEvent(t, { tenant });
  const of = (endpoint: { id: string }) => deliveries.find((d) => d.endpoint_id === endpoint.id)!.id;
  expect(await deliveryIn(t, of(open))).toMatchObject({ status: 'DELIVERED' });
  expect(await getDelivery(t, of(paused))).toMatchObject({ status: 'HELD', attempt_count: 0 });
  receiver.setBehaviour((_request, index) => ({ status: index === 1 ? 503 : 200 }));
  await t.call('POST', `/v1/endpoints/${paused.id}/resume`);
  expect(await deliveryIn(t, of(paused))).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(receiver.requests).toHaveLength(3);
});

test('thousands due at one endpoint delay neither first attempts nor retries nor resumed ones of others', async () => {
  const busy = await createEndpoint(t, `${receiver.url}/busy`, { tenant });
  // One of the same tenant, and one of another.
  const others = [
    await createEndpoint(t, `${receiver.url}/same`, { tenant }),
    await createEndpoint(t, `${receiver.url}/other`, { tenant: `${tenant}_other` }),
  ];
  receiver.setBehaviour(({ path }) => ({ status: 200, afterMs: path.endsWith('busy') ? 20 : 0 }));
  const due = { resumed: -60, retry: -1, first: 0 };
  await insertReady(t.pool, { endpointId: busy.id, count: 10_000, dueInSeconds: due.resumed, attempts: 1 });
  for (const { id: endpointId } of others) {
    await insertReady(t.pool, { endpointId, count: 20, dueInSeconds: due.resumed, attempts: 1 });
    await insertReady(t.pool, { endpointId, count: 20, dueInSeconds: due.retry, attempts: 1 });
    await insertReady(t.pool, { endpointId, count: 20, dueInSeconds: due.first });
  }
  const arrived = (requests: { path: string }[], path: string) =>
    requests.filter((request) => request.path.endsWith(path)).length;
  await receiver.waitFor((all) => arrived(all, 'same') === 60 && arrived(all, 'other') === 60);
  expect(arrived(receiver.requests, 'busy')).toBeGreaterThan(0);
  expect(arrived(receiver.requests, 'busy')).toBeLessThan(5_000);
  expect((await t.call('DELETE', `/v1/endpoints/${busy.id}`)).status).toBe(204);
});

test('an endpoint that hangs, with thousands posted to it, delays nobody', async () => {
  receiver.setBehaviour(({ path }) => (path.endsWith('hangs') ? { hang: true } : { status: 200 }));
  const { id } = await createEndpoint(t, `${receiver.url}/hangs`, { tenant });
  for (let n = 0; n < 3; n++) await post(1_000);
  await receiver.waitFor((requests) => requests.length >= 256);
  await createEndpoint(t, `${receiver.url}/works`, { tenant: `${tenant}_works` });
  const { deliveries } = await postEvent(t, { tenant: `${tenant}_works` });
  expect(await deliveryIn(t, deliveries[0]!.id)).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(receiver.requests.filter(({ path }) => path.endsWith('hangs'))).toHaveLength(256);
  expect((await t.call('DELETE', `/v1/endpoints/${id}`)).status).toBe(204);
});
