import { Writable } from 'node:stream';
import pino from 'pino';
import { expect, test } from 'vitest';
import { createEndpoint } from '../support/path.js';
import { startReceiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** Without workflows: each would tell of its own deliveries alone. */
const DIRECT = { lane: 'direct', directAbove: 0, workflowForEnded: false } as const;
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
  '$verb endpoints with thousands of open deliveries changes them together',
  async ({ change, end }) => {
    const faults: string[] = [];
    const sink = new Writable({
      write(line: Buffer, _encoding, done) {
        faults.push(line.toString());
        done();
      },
    });
    const t = await startTestService({ lanes: DIRECT, log: pino({ level: 'error' }, sink) });
    // 256 of each endpoint's are under way, the others wait for them.
    const receiver = await startReceiver({ behave: () => ({ hang: true }) });
    try {
      const endpoints: string[] = [];
      for (let n = 0; n < ENDPOINTS; n++) endpoints.push((await createEndpoint(t, receiver.url)).id);
      const events = Array.from({ length: EVENTS }, (_, n) => ({ type: 'a.b', payload: n }));
      expect((await t.call('POST', '/v1/events/batch', { events })).status).toBe(200);
      await receiver.waitFor((requests) => requests.length >= ENDPOINTS * 256, 60_000);
      for (const id of endpoints) expect((await change(t, id)).status).toBeLessThan(300);
      // Statements that end, or hold, any of them.
      await t.pool.query('create sequence statements');
      await t.pool.query(`create function count_one() returns trigger language plpgsql as $$ begin
      if exists (select from changed where status_reason = '${end.reason}') then perform nextval('statements'); end if;
      return null; end $$`);
      await t.pool.query(`create trigger count_all after update on deliveries
      referencing new table as changed for each statement execute function count_one()`);
      await receiver.close();
      await eventually(async () => {
        const { rowCount } = await t.pool.query('select from deliveries where status <> $1 limit 1', [
          end.status,
        ]);
        return rowCount === 0;
      }, 90_000);
      const { rows } = await t.pool.query<object>(
        'select status, status_reason as reason, count(*)::int from deliveries group by 1, 2',
      );
      expect(rows).toEqual([{ ...end, count: ENDPOINTS * EVENTS }]);
      expect(faults).toEqual([]);
      const { rows: statements } = await t.pool.query<{ count: number }>(
        'select last_value::int as count from statements',
      );
      expect(statements[0]!.count).toBeLessThan((ENDPOINTS * EVENTS) / 10);
    } finally {
      await t.stop();
    }
  },
  180_000,
);
