import { randomUUID } from 'node:crypto';
import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
  // The webhooks stay here: this is about accepting.
  await t.call('POST', '/v1/control/pause', { scope: 'all', reason: 'test' });
});
afterAll(() => t.stop());

const ROUNDS = 2;

const agents: Agent[] = [];
afterAll(() => agents.forEach((agent) => agent.destroy()));

/** Each sender has connections of its own. */
function sender(connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  agents.push(agent);
  return async (path: string, body: string): Promise<{ status: number; body: string }> => {
    const sent = request(t.service.url + path, {
      ...{ agent, method: 'POST' },
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-length': Buffer.byteLength(body) },
    });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode!, body: await text(response) };
  };
}

interface Kind {
  path: string;
  body: (tenant: string) => object;
  /** Connections of the busy tenant, all in use all the time. */
  connections: number;
  /** Posts of the other tenant at a time. */
  atOnce: number;
}

/** Arrives in several parts. */
const large = 'x'.repeat(100_000);
const event = (tenant: string, payload: unknown = 1) => ({ type: 'a.b', tenant, payload });
const kinds: [string, Kind][] = [
  ['events', { path: '/v1/events', body: event, connections: 280, atOnce: 20 }],
  [
    'large events',
    { path: '/v1/events', body: (tenant) => event(tenant, large), connections: 220, atOnce: 20 },
  ],
  [
    'batches of events',
    {
      path: '/v1/events/batch',
      body: (tenant) => ({ events: [event(tenant, large), event(tenant)] }),
      ...{ connections: 40, atOnce: 2 },
    },
  ],
  [
    'webhooks to a URL',
    {
      path: '/v1/send',
      body: (tenant) => ({ url: `http://127.0.0.1:9/${randomUUID()}`, tenant, payload: 1 }),
      ...{ connections: 280, atOnce: 20 },
    },
  ],
];

test.each(kinds)(
  "one tenant's %s take no room from another tenant's while they wait for Postgres",
  async (name, { path, body, connections, atOnce }) => {
    const [busy, other] = ['busy', 'other'].map((who) => `${who} ${name}`.replaceAll(' ', '_')) as [
      string,
      string,
    ];
    const counts = { accepted: 0, refused: 0, unknown: 0 };
    let stopped = false;
    const posts = sender(connections);
    const loop = async () => {
      while (!stopped) {
        const answer = await posts(path, JSON.stringify(body(busy)));
        if (answer.status < 300) counts.accepted += 1;
        else if (answer.body.includes('"overloaded"')) counts.refused += 1;
        else counts.unknown += 1;
        // Leaves the CPU some time; many others post meanwhile.
        await sleep(100);
      }
    };
    const load = Array.from({ length: connections }, loop);
    const post = sender(atOnce);
    const answers: string[] = [];
    const lock = await t.pool.connect();
    try {
      for (let round = 0; round < ROUNDS; round++) {
        await lock.query('begin; lock table events in exclusive mode');
        const refusedMore = (more: number) => {
          const before = counts.refused;
          return eventually(() => Promise.resolve(counts.refused >= before + more));
        };
        await refusedMore(1);
        const pending = Array.from({ length: atOnce }, async () => {
          let answer = await post(path, JSON.stringify(body(other)));
          // A Postgres that is too slow for its own limit is another matter: this is about room.
          while (answer.body.includes('"unavailable"')) {
            await sleep(100);
            answer = await post(path, JSON.stringify(body(other)));
          }
          answers.push(answer.status < 300 ? `${answer.status}` : `${answer.status} ${answer.body}`);
        });
        await refusedMore(connections / 4);
        await lock.query('rollback');
        await Promise.all(pending);
      }
    } finally {
      lock.release(true);
      stopped = true;
      await Promise.all(load);
    }
    expect(answers.filter((answer) => !/^20[02]$/.test(answer))).toEqual([]);
    expect(answers).toHaveLength(ROUNDS * atOnce);
    expect(counts.accepted).toBeGreaterThan(0);
    const { rows } = await t.pool.query<{ count: number }>(
      'select count(*)::int as count from events where tenant = $1',
      [busy],
    );
    const each = path === '/v1/events/batch' ? 2 : 1;
    // Nothing of a refused request is stored.
    expect(rows[0]!.count).toBeGreaterThanOrEqual(counts.accepted * each);
    expect(rows[0]!.count).toBeLessThanOrEqual((counts.accepted + counts.unknown) * each);
  },
  240_000,
);
