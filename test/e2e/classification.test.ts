import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Classification, DeliveryStatus } from '../../src/domain/delivery.js';
import { freePort } from '../../src/embedded/ports.js';
import { createEndpoint, deliveryIn, type Accepted, type Delivery } from '../support/path.js';
import { startReceiver, type Behaviour, type ReceiverOptions } from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';
import { makeCertificates, type Certificates } from '../support/tls.js';

/** For receivers that answer; a busy machine must not time them out. */
const DEADLINE_MS = 20_000;
const SHORT_MS = 1_000;
const SCALE = 0.01;
const RETRY_AFTER_S = 120;

interface Row {
  name: string;
  /** Default: 20 s. */
  timeoutMs?: number;
  /** Starts the receiver. */
  receiver(certificates: Certificates): Promise<{ url: string; close(): Promise<unknown> }>;
  classification: Classification;
  next: 'done' | 'retry' | 'stop' | 'gone';
  httpStatus?: number;
  /** Expected beside the classification: the status decides, although the answer is incomplete. */
  error?: RegExp;
  /** Minimum wait before the second attempt, as the receiver asked. */
  waitMs?: number;
  /** The endpoint's URL is changed to this in Postgres after creation, as if its name led elsewhere by now. */
  movesTo?: string;
}

const that =
  (behaviour: Behaviour | (() => Behaviour), options: ReceiverOptions = {}) =>
  async () =>
    startReceiver({ ...options, behave: typeof behaviour === 'function' ? behaviour : () => behaviour });
const status = (code: number, headers?: Record<string, string>) =>
  that({ status: code, ...(headers ? { headers } : {}) });
const nobody = { close: async () => {} };
const secure = (which: 'expired' | 'wrongHost') => async (certificates: Certificates) =>
  startReceiver({ tls: certificates[which] });
const at = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString();

/** A server that speaks HTTP only, addressed as if it spoke TLS. */
async function plainOnTlsPort() {
  const receiver = await startReceiver();
  return { url: receiver.url.replace('http:', 'https:'), close: () => receiver.close() };
}

/** Accepts the connection and reads the request, but never answers. */
async function silent() {
  const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: async () => server.close() };
}

const ROWS: Row[] = [
  { name: '200', receiver: status(200), classification: 'DELIVERED', next: 'done', httpStatus: 200 },
  { name: '201', receiver: status(201), classification: 'DELIVERED', next: 'done', httpStatus: 201 },
  {
    name: '301',
    receiver: status(301, { location: 'http://127.0.0.1:1/' }),
    ...{ classification: 'REDIRECT', next: 'stop', httpStatus: 301 },
  },
  { name: '400', receiver: status(400), classification: 'HTTP_4XX_PERMANENT', next: 'stop', httpStatus: 400 },
  { name: '404', receiver: status(404), classification: 'HTTP_4XX_PERMANENT', next: 'stop', httpStatus: 404 },
  {
    name: '408',
    receiver: status(408),
    classification: 'HTTP_4XX_RETRYABLE',
    next: 'retry',
    httpStatus: 408,
  },
  { name: '410', receiver: status(410), classification: 'GONE', next: 'gone', httpStatus: 410 },
  {
    name: '425',
    receiver: status(425),
    classification: 'HTTP_4XX_RETRYABLE',
    next: 'retry',
    httpStatus: 425,
  },
  {
    name: '429 with Retry-After in seconds',
    receiver: status(429, { 'retry-after': String(RETRY_AFTER_S) }),
    ...{ classification: 'RATE_LIMITED', next: 'retry', httpStatus: 429 },
    waitMs: RETRY_AFTER_S * 1_000 * SCALE,
  },
  {
    name: '429 with Retry-After as a date',
    receiver: that(() => ({ status: 429, headers: { 'retry-after': at(RETRY_AFTER_S) } })),
    ...{ classification: 'RATE_LIMITED', next: 'retry', httpStatus: 429 },
    // A date has no fractions of a second.
    waitMs: (RETRY_AFTER_S - 2) * 1_000 * SCALE,
  },
  {
    name: '500',
    receiver: status(500),
    classification: 'HTTP_5XX_RETRYABLE',
    next: 'retry',
    httpStatus: 500,
  },
  {
    name: '503',
    receiver: status(503),
    classification: 'HTTP_5XX_RETRYABLE',
    next: 'retry',
    httpStatus: 503,
  },
  {
    name: 'headers that never come',
    receiver: silent,
    timeoutMs: SHORT_MS,
    ...{ classification: 'TIMEOUT', next: 'retry' },
  },
  {
    name: 'headers that come too late',
    receiver: that({ status: 200, afterMs: 2 * SHORT_MS }),
    timeoutMs: SHORT_MS,
    ...{ classification: 'TIMEOUT', next: 'retry' },
  },
  {
    name: 'a body that trickles',
    receiver: that({ trickle: { everyMs: 100 } }),
    timeoutMs: 5 * SHORT_MS,
    ...{ classification: 'DELIVERED', next: 'done', httpStatus: 200, error: /reading the body/ },
  },
  {
    name: 'a 503 whose body trickles',
    receiver: that({ trickle: { everyMs: 100, status: 503 } }),
    timeoutMs: 5 * SHORT_MS,
    ...{ classification: 'HTTP_5XX_RETRYABLE', next: 'retry', httpStatus: 503, error: /reading the body/ },
  },
  {
    name: 'a 410 whose body breaks off',
    receiver: that({ raw: 'HTTP/1.1 410 Gone\r\ncontent-length: 50\r\n\r\nno' }),
    ...{ classification: 'GONE', next: 'gone', httpStatus: 410, error: /broke off in its body/ },
  },
  {
    name: 'a 204 that announces a body',
    receiver: that({ raw: 'HTTP/1.1 204 No Content\r\ncontent-length: 8\r\n\r\n' }),
    ...{
      classification: 'DELIVERED',
      next: 'done',
      httpStatus: 204,
      error: /204 is an answer without a body/,
    },
  },
  {
    name: 'an answer that is not HTTP',
    receiver: that({ raw: 'SSH-2.0-OpenSSH_9.6\r\n' }),
    ...{ classification: 'NETWORK_ERROR', next: 'retry' },
  },
  {
    // The status alone decides; reading stops at a limit.
    name: 'a body without an end',
    receiver: that({ endless: true }),
    ...{ classification: 'DELIVERED', next: 'done', httpStatus: 200 },
  },
  {
    name: 'a reset before the answer',
    receiver: that({ reset: 'before' }),
    ...{ classification: 'NETWORK_ERROR', next: 'retry' },
  },
  {
    name: 'a reset in the middle of the answer',
    receiver: that({ reset: 'mid-body' }),
    ...{ classification: 'DELIVERED', next: 'done', httpStatus: 200, error: /broke off in its body/ },
  },
  {
    name: 'a closed port',
    receiver: async () => ({ url: `http://127.0.0.1:${await freePort()}/`, ...nobody }),
    ...{ classification: 'NETWORK_ERROR', next: 'retry' },
  },
  {
    name: 'an unknown host',
    receiver: async () => ({ url: 'http://does-not-exist.invalid/', ...nobody }),
    ...{ classification: 'DNS_ERROR', next: 'retry' },
  },
  {
    name: 'an expired certificate',
    receiver: secure('expired'),
    ...{ classification: 'TLS_ERROR', next: 'retry' },
  },
  {
    name: 'a certificate for another host',
    receiver: secure('wrongHost'),
    ...{ classification: 'TLS_ERROR', next: 'retry' },
  },
  {
    name: 'plain HTTP on a TLS port',
    receiver: plainOnTlsPort,
    ...{ classification: 'TLS_ERROR', next: 'retry' },
  },
  {
    name: 'a blocked address',
    receiver: status(200),
    movesTo: 'http://10.0.0.1/',
    ...{ classification: 'ADDRESS_BLOCKED', next: 'stop' },
  },
];

/** End of a delivery with at most two attempts. */
const ENDS: Record<Row['next'], { status: DeliveryStatus; reason: string | null; attempts: number }> = {
  done: { status: 'DELIVERED', reason: null, attempts: 1 },
  retry: { status: 'FAILED', reason: 'ATTEMPTS_EXHAUSTED', attempts: 2 },
  stop: { status: 'FAILED', reason: 'its classification', attempts: 1 },
  gone: { status: 'FAILED', reason: 'its classification', attempts: 1 },
};

describe.each([
  { workflows: 'all', by: 'the activity' },
  { workflows: 'none', by: 'the queue' },
] as const)('with retries by $by, the answer of a receiver decides:', ({ workflows }) => {
  let t: TestService;
  const close: (() => Promise<unknown>)[] = [];
  const came = new Map<Row, Promise<{ delivery: Delivery; endpoint: Record<string, unknown> }>>();

  beforeAll(async () => {
    const certificates = await makeCertificates();
    t = await startTestService({
      ca: certificates.ca,
      retryPolicy: { initialMs: 5_000, coefficient: 3, maximumMs: 86_400_000, maximumAttempts: 2 },
      retryScale: SCALE,
      workflows,
    });
    // All at once, so that effects on each other show, too.
    for (const row of ROWS) came.set(row, through(row, certificates));
    await Promise.allSettled(came.values());
  }, 90_000);
  afterAll(async () => {
    await Promise.all(close.map((step) => step()));
    await t.stop();
  });

  async function through(row: Row, certificates: Certificates) {
    const receiver = await row.receiver(certificates);
    close.push(() => receiver.close());
    const { id } = await createEndpoint(t, receiver.url, {
      timeout_ms: row.timeoutMs ?? DEADLINE_MS,
      event_types: ['never.matched'],
    });
    if (row.movesTo) await t.pool.query('update endpoints set url = $1 where id = $2', [row.movesTo, id]);
    const event = { type: 'a.b', payload: { n: 1 }, endpoint_ids: [id] };
    const { status, body } = await t.call<Accepted>('POST', '/v1/events', event);
    expect(status, JSON.stringify(body)).toBe(202);
    const delivery = await deliveryIn(t, body.deliveries[0]!.id);
    return { delivery, endpoint: (await t.call('GET', `/v1/endpoints/${id}`)).body };
  }

  test.each(ROWS)('$name is $classification, then $next', async (row) => {
    const { delivery, endpoint } = await came.get(row)!;
    const { status, reason, attempts } = ENDS[row.next];
    expect(delivery).toMatchObject({
      status,
      status_reason: reason === 'its classification' ? row.classification : reason,
      attempt_count: attempts,
    });
    expect(delivery.attempts).toHaveLength(attempts);
    for (const attempt of delivery.attempts) {
      expect(attempt).toMatchObject({
        classification: row.classification,
        http_status: row.httpStatus ?? null,
      });
      if (row.error) {
        expect(attempt).toMatchObject({ truncated: true, error: expect.stringMatching(row.error) as string });
      }
    }
    const [first, second] = delivery.attempts;
    expect(first!.next_attempt_at === null).toBe(row.next !== 'retry');
    if (row.waitMs) {
      const waited = Date.parse(second!.started_at) - Date.parse(first!.started_at);
      expect(waited).toBeGreaterThanOrEqual(row.waitMs);
    }
    expect(endpoint).toMatchObject(
      row.next === 'gone'
        ? { status: 'disabled', status_reason: 'gone' }
        : { status: 'enabled', status_reason: null },
    );
  });
});
