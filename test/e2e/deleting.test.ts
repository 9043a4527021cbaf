import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import pino from 'pino';
import { expect, test } from 'vitest';
import { insertReady } from '../support/open-rows.js';
import { createEndpoint } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

const ENDPOINTS = 4;
const EVENTS = 500;

test.each([
  {
    verb: 'deleting',
    change: (t: TestService, id: string) => t.call('DELETE', `/v1/endpoints/${id}`),
    end: { status: 'FAILED', reason: 'ENDPOINT_DELETED' },
  },
  {
    verb: 'disabling',
    change: (t: TestService, id: string) => t.call('PATCH', `/v1/endpoints/${id}`, { enabled: false }),
    end: { status: 'HELD', reason: 'endpoint disabled (manual)' },
  },
])(
  '$verb endpoints with thousands of claimed deliveries changes them all',
  async ({ change, end }) => {
    const faults: string[] = [];
    const sink = new Writable({
      write(line: Buffer, _encoding, done) {
        faults.push(line.toString());
        done();
      },
    });
    const t = await startTestService({ workflows: 'none', log: pino({ level: 'error' }, sink) });
    // 256 of each endpoint's are under way, the others wait for them.
    const receiver = await startReceiver({ behave: () => ({ hang: true }) });
    try {
      const endpoints: string[] = [];
      for (let n = 0; n < ENDPOINTS; n++) endpoints.push((await createEndpoint(t, receiver.url)).id);
      const events = Array.from({ length: EVENTS }, (_, n) => ({ type: 'a.b', payload: n }));
      expect((await t.call('POST', '/v1/events/batch', { events })).status).toBe(200);
      await receiver.waitFor((requests) => requests.length >= ENDPOINTS * 256, 60_000);
      for (const id of endpoints) expect((await change(t, id)).status).toBeLessThan(300);
      await receiver.close();
      const expected = [{ ...end, count: ENDPOINTS * EVENTS }];
      await eventually(async () => {
        const { rows } = await t.pool.query<object>(
          'select status, status_reason as reason, count(*)::int from all_deliveries group by 1, 2',
        );
        return isDeepStrictEqual(rows, expected);
      }, 90_000);
      expect(faults).toEqual([]);
    } finally {
      await t.stop();
    }
  },
  180_000,
);

const WAITING = 25_000;

/** An endpoint with many ready deliveries, due in an hour; `makeDue` makes them due now. */
async function withWaiting(
  work: (parts: {
    t: TestService;
    receiver: Receiver;
    endpointId: string;
    makeDue(): Promise<unknown>;
    statuses(): Promise<object[]>;
  }) => Promise<void>,
): Promise<void> {
  const t = await startTestService({ pollEveryMs: 200 });
  const receiver = await startReceiver();
  try {
    const { id: endpointId } = await createEndpoint(t, receiver.url);
    await insertReady(t.pool, { endpointId, count: WAITING, dueInSeconds: 3_600 });
    await work({
      ...{ t, receiver, endpointId },
      makeDue: () => t.pool.query('update open_deliveries set run_at = now()'),
      async statuses() {
        const { rows } = await t.pool.query<object>(
          'select status, status_reason as reason, completed_at is not null as ended, count(*)::int from all_deliveries group by 1, 2, 3',
        );
        return rows;
      },
    });
  } finally {
    await t.stop();
    await receiver.close();
  }
}

test('deleting an endpoint with 25,000 waiting deliveries ends all of them, and sends none', () =>
  withWaiting(async ({ t, receiver, endpointId, statuses }) => {
    expect((await t.call('DELETE', `/v1/endpoints/${endpointId}`)).status).toBe(204);
    const expected = [{ status: 'FAILED', reason: 'ENDPOINT_DELETED', ended: true, count: WAITING }];
    await eventually(async () => isDeepStrictEqual(await statuses(), expected), 120_000);
    expect(receiver.requests).toHaveLength(0);
  }));

test('deliveries of a deleted endpoint also end while everything is paused', () =>
  withWaiting(async ({ t, receiver, statuses }) => {
    await t.call('POST', '/v1/control/pause', { scope: 'all', reason: 'incident 7' });
    // As by a process that died before it ended them.
    await t.pool.query('update endpoints set deleted_at = now()');
    const expected = [{ status: 'FAILED', reason: 'ENDPOINT_DELETED', ended: true, count: WAITING }];
    await eventually(async () => isDeepStrictEqual(await statuses(), expected), 120_000);
    expect(receiver.requests).toHaveLength(0);
  }));

test('pausing an endpoint with 25,000 waiting deliveries shows all as HELD, and sends none', () =>
  withWaiting(async ({ t, receiver, endpointId, makeDue, statuses }) => {
    expect((await t.call('POST', `/v1/endpoints/${endpointId}/pause`)).status).toBe(200);
    await makeDue();
    await sleep(2_000);
    const held = { status: 'HELD', reason: 'endpoint paused (manual)', ended: false, count: WAITING };
    expect(await statuses()).toEqual([held]);
    const metrics = await t.call<string>('GET', '/metrics');
    expect(metrics.body).toContain(`surehook_open_deliveries{status="HELD"} ${WAITING}`);
    expect(receiver.requests).toHaveLength(0);
    await t.call('POST', `/v1/endpoints/${endpointId}/resume`);
    await receiver.waitFor((requests) => requests.length >= 100);
    await t.call('DELETE', `/v1/endpoints/${endpointId}`);
  }));
