import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AttemptRecord, ClaimedDelivery, ReleasedClaim } from '../../src/db/open-deliveries/index.js';
import { aboutSealed, ENDPOINT_SECRET } from '../../src/db/sealed-columns.js';
import { createRunner, type Runner } from '../../src/delivery/runner.js';
import { createReadSending } from '../../src/delivery/sending.js';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/retry-schedule.js';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import { createLogger } from '../../src/observability/logger.js';
import { createAddressGuard } from '../../src/webhook/address-guard.js';
import { createSender, type Sender } from '../../src/webhook/send.js';
import { newSecret } from '../../src/webhook/sign.js';
import { endpointTarget } from '../support/endpoint-target.js';
import { startReceiver } from '../support/receiver.js';
import { eventually } from '../support/service.js';

const MIB = 1024 * 1024;
/** Limit on the bytes of payloads under way, and of those that wait. */
const MAX_BYTES = 64 * MIB;
const MAX_PER_ENDPOINT = 256;
const TIMEOUT_MS = 30_000;

const log = createLogger('silent');
const secrets = createSecretCipher([Buffer.alloc(32, 1).toString('base64')]);
const sealed = secrets.seal(newSecret(), aboutSealed(ENDPOINT_SECRET, 'sec_1'));

let url: string;
let sender: Sender;
let runner: Runner;
let jobs: Map<string, ClaimedDelivery>;
let records: AttemptRecord[];
let released: ReleasedClaim[];
/** Whether other processes see the heartbeats of this one. */
let isAlive: boolean;
/** Whether Postgres still has the claims, when one is asked about that is not fresh any more. */
let isClaimed: boolean;

beforeEach(() => {
  jobs = new Map();
  records = [];
  released = [];
  isAlive = true;
  isClaimed = true;
  sender = createSender({ guard: createAddressGuard(['127.0.0.0/8']) });
  const targetOf = (id: string) =>
    endpointTarget(
      { id, url, timeout_ms: TIMEOUT_MS },
      { secrets: [{ id: 'sec_1', sealed, until: Infinity }] },
    );
  runner = createRunner({
    attempt: {
      load: ({ id }) =>
        Promise.resolve(isClaimed ? { ...jobs.get(id)!, ...targetOf(jobs.get(id)!.endpoint_id) } : null),
      record: (record) => Promise.resolve(void records.push(record)),
      end: () => Promise.resolve(),
      paused: () => null,
      alive: () => isAlive,
      count: () => {},
      readSending: createReadSending(secrets),
      ...{ sender, retryPolicy: DEFAULT_RETRY_POLICY, retryScale: 1, version: '0', log },
    },
    endpoints: { get: (id) => Promise.resolve(targetOf(id)) },
    release: (claims) => Promise.resolve(void released.push(...claims)),
    current: () => true,
    log,
  });
});
afterEach(async () => {
  await runner.close();
  await sender.close();
});

const jobOf = (n: number, endpoint_id: string, payload: string): ClaimedDelivery => ({
  ...{ id: `del_${n}`, claim: 1, endpoint_id, payload, event_id: `evt_${n}`, event_type: 'a.b', tenant: 't' },
  ...{ workflow_id: `w_${n}`, run_by: 'queue', attempt_count: 0, max_attempts: 12 },
  ...{ event_headers: null, event_content_type: null, event_created_at: new Date() },
});

/** Runs the delivery `n`, claimed `agoMs` ago. */
function run(n: number, endpointId: string, { agoMs = 0, payload = '{}' } = {}): void {
  // Postgres has its payload; this map must not.
  jobs.set(`del_${n}`, jobOf(n, endpointId, '{}'));
  runner.run(jobOf(n, endpointId, payload), performance.now() - agoMs);
}

/** Accepts connections and never reads from them; `answer` closes them all, and every later one. */
async function startSilentReceiver() {
  const sockets: Socket[] = [];
  let silent = true;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    if (silent) sockets.push(socket);
    else socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    connections: () => sockets.length,
    hangUp() {
      silent = false;
      for (const socket of sockets) socket.destroy();
    },
    close: () => void server.close(),
  };
}

test('the payloads of an endpoint that hangs leave half of the bytes to others', async () => {
  const silent = await startSilentReceiver();
  url = silent.url;
  const payload = JSON.stringify('x'.repeat(256 * 1024 - 2));
  for (let n = 0; n < 256; n++) run(n, 'ep_hangs', { payload });
  await eventually(() => Promise.resolve(silent.connections() >= MAX_BYTES / 2 / payload.length));
  const before = silent.connections();
  for (let n = 256; n < 266; n++) run(n, 'ep_other', { payload });
  await eventually(() => Promise.resolve(silent.connections() === before + 10));
  silent.hangUp();
  await eventually(() => Promise.resolve(records.length === 266));
  silent.close();
}, 60_000);

function heldMemory(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

test('large payloads under way and waiting are bounded by their bytes, and those that do not fit are released', async () => {
  const receiver = await startSilentReceiver();
  url = receiver.url;
  const size = 256 * 1024;
  const before = heldMemory();
  // As the poller reads them: a text of its own for each delivery.
  for (let n = 0; n < 1_200; n++)
    run(n, `ep_${n % 400}`, { payload: Buffer.alloc(size, 32).toString('latin1') });
  await eventually(() => Promise.resolve(receiver.connections() === MAX_BYTES / size));
  await eventually(() => Promise.resolve(released.length === 1_200 - (2 * MAX_BYTES) / size));
  // The text of each delivery under way and its copy as bytes, and the text of each that waits; a third of it for the rest.
  expect(heldMemory() - before).toBeLessThan(3 * MAX_BYTES * 1.33);
  expect(receiver.connections()).toBe(MAX_BYTES / size);
  expect(new Set(released.map(({ inMs }) => inMs))).toEqual(new Set([1_000]));

  receiver.hangUp();
  // No delivery is lost: each has its record, or was released.
  await eventually(() => Promise.resolve(records.length + released.length === 1_200));
  expect(runner.room()).toBe(MAX_BYTES);
  receiver.close();
}, 120_000);

test('an endpoint that hangs takes its share, and others are sent to at once', async () => {
  const slow = await startSilentReceiver();
  url = slow.url;
  for (let n = 0; n < 1_000; n++) run(n, 'ep_slow');
  await eventually(() => Promise.resolve(slow.connections() === MAX_PER_ENDPOINT));
  expect(runner.fullEndpoints()).toEqual(['ep_slow']);
  const receiver = await startReceiver();
  url = receiver.url;
  for (let n = 1_000; n < 1_100; n++) run(n, 'ep_other');
  await receiver.waitFor((requests) => requests.length === 100);
  await eventually(() => Promise.resolve(records.length === 100));
  expect(slow.connections()).toBe(MAX_PER_ENDPOINT);
  slow.hangUp();
  await eventually(() => Promise.resolve(records.length + released.length === 1_100));
  expect(runner.fullEndpoints()).toEqual([]);
  slow.close();
  await receiver.close();
});

test('an endpoint is full when as many claims wait as attempts may be under way', async () => {
  const slow = await startSilentReceiver();
  url = slow.url;
  for (let n = 0; n < 2 * MAX_PER_ENDPOINT - 1; n++) run(n, 'ep_slow');
  expect(runner.fullEndpoints()).toEqual([]);
  run(2 * MAX_PER_ENDPOINT, 'ep_slow');
  expect(runner.fullEndpoints()).toEqual(['ep_slow']);
  slow.hangUp();
  await eventually(() => Promise.resolve(records.length + released.length === 2 * MAX_PER_ENDPOINT));
  slow.close();
});

test('a claim with less time left than a request may take is released, and nothing is sent', async () => {
  const receiver = await startReceiver();
  url = receiver.url;
  // The request may take 30 of the 90 s, and its record 5.
  run(1, 'ep_1', { agoMs: 56_000 });
  await eventually(() => Promise.resolve(released.length === 1));
  expect(released[0]).toMatchObject({ id: 'del_1', claim: 1, backOff: true });
  expect([receiver.requests.length, records.length]).toEqual([0, 0]);

  run(2, 'ep_1', { agoMs: 50_000 });
  await eventually(() => Promise.resolve(records.length === 1));
  expect(receiver.requests).toHaveLength(1);
  await receiver.close();
});

test('a process whose heartbeats may be missing sends nothing: others may have ended its claims', async () => {
  const receiver = await startReceiver();
  url = receiver.url;
  isAlive = false;
  run(1, 'ep_1');
  await eventually(() => Promise.resolve(released.length === 1));
  expect(receiver.requests).toHaveLength(0);
  await receiver.close();
});

test('a claim that is over is released, and nothing is sent', async () => {
  const receiver = await startReceiver();
  url = receiver.url;
  isClaimed = false;
  run(1, 'ep_1', { agoMs: 2_000 });
  await eventually(() => Promise.resolve(released.length === 1));
  expect(receiver.requests).toHaveLength(0);
  await receiver.close();
});

test('closing waits for the attempts under way and releases the claims that wait, due when they were', async () => {
  const slow = await startSilentReceiver();
  url = slow.url;
  for (let n = 0; n < 300; n++) run(n, 'ep_slow');
  await eventually(() => Promise.resolve(slow.connections() === MAX_PER_ENDPOINT));
  let isClosed = false;
  const closing = runner.close().then(() => (isClosed = true));
  await eventually(() => Promise.resolve(released.length === 300 - MAX_PER_ENDPOINT));
  expect(released.every(({ inMs, reason }) => inMs === null && reason === null)).toBe(true);
  expect([isClosed, records.length]).toEqual([false, 0]);
  slow.hangUp();
  await closing;
  expect(records).toHaveLength(MAX_PER_ENDPOINT);
  expect(runner.room()).toBe(0);
  slow.close();
});

test('joining an attempt gives its outcome', async () => {
  const receiver = await startReceiver();
  url = receiver.url;
  expect(runner.join('del_1')).toBeNull();
  run(1, 'ep_1');
  expect(await runner.join('del_1')).toMatchObject({ kind: 'delivered', recorded: true });
  expect(runner.join('del_1')).toBeNull();
  await receiver.close();
});
