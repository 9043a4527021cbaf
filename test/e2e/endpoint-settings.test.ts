import { createHmac } from 'node:crypto';
import { verifyAsync } from '@noble/ed25519';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEndpoint, deliveryIn, getDelivery, postEvent, type Delivery } from '../support/path.js';
import {
  startReceiver,
  verified,
  type Behaviour,
  type Receiver,
  type Recorded,
} from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';
import { makeCertificates, type Certificates } from '../support/tls.js';

let t: TestService;
let other: TestService;
let receiver: Receiver;
let certificates: Certificates;
let behaviours: Record<string, Behaviour> = {};

beforeAll(async () => {
  // By the type of the event: the tests share a receiver.
  const behave = ({ headers }: Recorded) =>
    behaviours[String(headers['webhook-event-type'])] ?? { status: 200 };
  receiver = await startReceiver({ behave });
  t = await startTestService();
  const { databaseUrl, taskQueue } = t;
  other = await startTestService({ databaseUrl, taskQueue });
  certificates = await makeCertificates();
});
afterAll(async () => {
  await other.stop();
  await t.stop();
  await receiver.close();
});

let types = 0;
/** An endpoint that alone gets events of its type, and the type. */
async function endpoint(settings: Record<string, unknown> = {}, behaviour: Behaviour = { status: 200 }) {
  const type = `test.settings-${(types += 1)}`;
  behaviours = { ...behaviours, [type]: behaviour };
  const made = await createEndpoint(t, receiver.url, { event_types: [type], ...settings });
  return { ...made, type };
}

const requestsOf = (type: string) =>
  receiver.requests.filter(({ headers }) => headers['webhook-event-type'] === type);

async function deliver(type: string, over: Record<string, unknown> = {}): Promise<Delivery> {
  const event = await postEvent(t, { type, ...over });
  return deliveryIn(t, event.deliveries[0]!.id);
}

describe('an own retry schedule', () => {
  test('decides how many attempts a delivery has, and when they come', async () => {
    const { type } = await endpoint({ retry_schedule: [10, 20] }, { status: 500 });
    const delivery = await deliver(type);
    expect(delivery).toMatchObject({
      status: 'FAILED',
      status_reason: 'ATTEMPTS_EXHAUSTED',
      max_attempts: 3,
      attempt_count: 3,
    });
    const [first, second, third] = delivery.attempts.map(({ started_at }) => Date.parse(started_at));
    // Scaled to hundredths, less a fifth of jitter.
    expect(second! - first!).toBeGreaterThanOrEqual(80);
    expect(third! - second!).toBeGreaterThanOrEqual(160);

    const again = await t.call<{ id: string }>('POST', `/v1/deliveries/${delivery.id}/retry`);
    expect(await deliveryIn(t, again.body.id)).toMatchObject({ status: 'FAILED', max_attempts: 3 });
  });
});

describe('permanent statuses', () => {
  test('end a delivery at once, and say why', async () => {
    const { type } = await endpoint({ permanent_statuses: ['5xx'] }, { status: 503 });
    expect(await deliver(type)).toMatchObject({
      status: 'FAILED',
      status_reason: 'PERMANENT_STATUS',
      last_classification: 'HTTP_5XX_RETRYABLE',
      attempt_count: 1,
      attempts: [{ stop_reason: 'PERMANENT_STATUS', next_attempt_at: null }],
    });
  });
});

describe('webhook-delivery in an answer', () => {
  const told = (order: string) => ({ 'webhook-delivery': order });

  test('abort ends the delivery, and the endpoint stays', async () => {
    const { id, type } = await endpoint({}, { status: 500, headers: told('abort') });
    expect(await deliver(type)).toMatchObject({
      status: 'FAILED',
      status_reason: 'RECEIVER_ABORTED',
      attempts: [{ classification: 'HTTP_5XX_RETRYABLE', stop_reason: 'RECEIVER_ABORTED' }],
    });
    expect(await t.call('GET', `/v1/endpoints/${id}`)).toMatchObject({ body: { status: 'enabled' } });
  });

  test.each([
    [500, 'FAILED', 'RECEIVER_DISABLED'],
    [200, 'DELIVERED', null],
  ])('disable with %i leaves the delivery %s, and disables the endpoint', async (status, end, reason) => {
    const { id, type } = await endpoint({}, { status, headers: told('disable') });
    expect(await deliver(type)).toMatchObject({
      status: end,
      status_reason: reason,
      attempts: [{ stop_reason: 'RECEIVER_DISABLED' }],
    });
    expect(await t.call('GET', `/v1/endpoints/${id}`)).toMatchObject({
      body: { status: 'disabled', status_reason: 'gone' },
    });
    const { data } = (await t.call<{ data: object[] }>('GET', `/v1/audit?object=${id}`)).body;
    expect(data[0]).toMatchObject({ actor: 'surehook', action: 'endpoint.disable', reason: 'gone' });
    const next = await postEvent(t, { type });
    expect(await getDelivery(t, next.deliveries[0]!.id)).toMatchObject({ status: 'HELD' });
  });
});

describe('on the wire', () => {
  test('an envelope is signed as it is sent, with the payload byte for byte', async () => {
    const { secret, type } = await endpoint({ body: 'envelope' });
    const payload = '{"n": 12345678901234567890,  "a":"\\u00fc"}';
    const posted = await t.call<{ created_at: string; deliveries: { id: string }[] }>(
      'POST',
      '/v1/events',
      `{"type":"${type}","payload":${payload}}`,
    );
    await deliveryIn(t, posted.body.deliveries[0]!.id);
    const [request] = requestsOf(type);
    expect(request!.body).toBe(
      `{"type":"${type}","timestamp":"${posted.body.created_at}","data":${payload}}`,
    );
    expect(verified(secret, request!)).toMatchObject({ type, data: { a: 'ü' } });
  });

  test('a retry made by another process sends the same envelope', async () => {
    const { type } = await endpoint({ body: 'envelope' }, { status: 500 });
    const event = await postEvent(t, { type });
    const { length } = await eventually(async () => {
      const found = requestsOf(type);
      return found.length >= 3 && found;
    });
    expect(
      new Set(
        requestsOf(type)
          .slice(0, length)
          .map(({ body }) => body),
      ).size,
    ).toBe(1);
    await t.call('POST', `/v1/deliveries/${event.deliveries[0]!.id}/cancel`);
  });

  test('ed25519 verifies with the published key, in an independent library', async () => {
    const { id, type } = await endpoint({ signature: 'ed25519' });
    await deliver(type);
    const { body } = await t.call<{ public_key: string }>('GET', `/v1/endpoints/${id}`);
    const [{ headers, raw } = {} as Recorded] = requestsOf(type);
    const signature = /^v1a,(\S+)$/.exec(String(headers['webhook-signature']))![1]!;
    const head = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.`;
    const key = Buffer.from(body.public_key.slice('whpk_'.length), 'base64');
    const signed = Buffer.concat([Buffer.from(head), raw]);
    expect(await verifyAsync(Buffer.from(signature, 'base64'), signed, key)).toBe(true);
  });

  test('a second signature, basic auth and own headers arrive, and no attempt shows them', async () => {
    const extra = {
      header: 'X-Hub-Signature-256',
      prefix: 'sha256=',
      encoding: 'hex',
      secret: 'canary-extra',
    };
    const { type } = await endpoint(
      {
        headers: { 'x-own': 'canary-header' },
        basic_auth: { username: 'user', password: 'canary-password' },
        extra_signature: extra,
      },
      { status: 200, body: 'canary-header canary-password' },
    );
    const delivery = await deliver(type);
    const [{ headers, raw } = {} as Recorded] = requestsOf(type);
    expect(headers).toMatchObject({
      'x-own': 'canary-header',
      authorization: `Basic ${Buffer.from('user:canary-password').toString('base64')}`,
      'x-hub-signature-256': `sha256=${createHmac('sha256', 'canary-extra').update(raw).digest('hex')}`,
    });
    expect(delivery.attempts[0]!.request_headers).toMatchObject({
      'x-own': '[redacted]',
      authorization: '[redacted]',
      'x-hub-signature-256': '[redacted]',
    });
    expect(JSON.stringify(delivery)).not.toContain('canary');
  });

  test('a client certificate is shown to a receiver with a private authority', async () => {
    const { valid, ca } = certificates;
    const strict = await startReceiver({ tls: { ...valid, ca, requestCert: true } });
    const client_certificate = { certificate: valid.cert, private_key: valid.key };
    const { type, id } = await endpoint({ url: strict.url, ca, client_certificate });
    expect(await deliver(type)).toMatchObject({ status: 'DELIVERED' });
    // The next attempt, in any process, is made without it.
    await t.call('PATCH', `/v1/endpoints/${id}`, { client_certificate: null, permanent_statuses: [] });
    const event = await postEvent(other, { type });
    const failing = await eventually(async () => {
      const delivery = await getDelivery(t, event.deliveries[0]!.id);
      return delivery.attempt_count > 0 && delivery;
    });
    expect(failing).toMatchObject({ last_classification: 'TLS_ERROR' });
    expect(strict.requests).toHaveLength(1);
    await t.call('PATCH', `/v1/endpoints/${id}`, { client_certificate });
    expect(await deliveryIn(t, failing.id)).toMatchObject({ status: 'DELIVERED' });
    await strict.close();
  });
});

describe('a rotated secret', () => {
  const signaturesOf = ({ headers }: Recorded) => String(headers['webhook-signature']).split(' ').length;
  const rotate = (id: string, overlap_seconds: number) =>
    t.call<{ secret: string }>('POST', `/v1/endpoints/${id}/rotate-secret`, { overlap_seconds });
  const both = (type: string) => Promise.all([t, other].map((service) => postEvent(service, { type })));

  /** The requests of one event posted to each process, which have the endpoint in memory. */
  async function requestsOfBoth(type: string): Promise<Recorded[]> {
    const before = requestsOf(type).length;
    await both(type);
    return eventually(() => {
      const found = requestsOf(type).slice(before);
      return Promise.resolve(found.length === 2 && found);
    });
  }

  test('signs beside the new one, in every process', async () => {
    const { id, secret: old, type } = await endpoint();
    for (const request of await requestsOfBoth(type)) expect(signaturesOf(request)).toBe(1);
    const { secret } = (await rotate(id, 3_600)).body;
    // A process learns of the new secret within a second.
    const requests = await eventually(async () => {
      const found = await requestsOfBoth(type);
      return found.every((request) => signaturesOf(request) === 2) && found;
    });
    for (const request of requests)
      for (const live of [secret, old]) expect(verified(live, request)).toEqual({ n: 1 });
  });

  test('signs in no process after its end, also where the endpoint has been in memory since before', async () => {
    const { id, secret: old, type } = await endpoint();
    const { secret } = (await rotate(id, 2)).body;
    await eventually(async () => {
      await requestsOfBoth(type);
      const { body } = await t.call<{ secrets: object[] }>('GET', `/v1/endpoints/${id}/secret`);
      return body.secrets.length === 1;
    });
    for (const request of await requestsOfBoth(type)) {
      expect(signaturesOf(request)).toBe(1);
      expect(verified(secret, request)).toEqual({ n: 1 });
      expect(() => verified(old, request)).toThrow();
    }
  });

  test('with an overlap of 0 signs in no process from the answer on', async () => {
    const { id, type } = await endpoint();
    await requestsOfBoth(type);
    const { secret } = (await rotate(id, 0)).body;
    for (const request of await requestsOfBoth(type)) {
      expect(signaturesOf(request)).toBe(1);
      expect(verified(secret, request)).toEqual({ n: 1 });
    }
  });
});
