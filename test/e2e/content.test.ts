import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { batchCalls } from '../support/batches.js';
import { createEndpoint, deliveryIn, postEvent, type Accepted } from '../support/path.js';
import { startReceiver, type Receiver, type Recorded } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

const FORM = 'application/x-www-form-urlencoded';

/** By an independent library, over the bytes that arrived, whatever they are. */
function expectSigned(secret: string, { headers, raw }: Recorded) {
  const sentAt = new Date(Number(headers['webhook-timestamp']) * 1000);
  const signature = new Webhook(secret).sign(String(headers['webhook-id']), sentAt, raw.toString());
  expect(headers['webhook-signature']).toBe(signature);
}

describe.each(['all', 'none'] as const)('with SUREHOOK_WORKFLOWS=%s', (workflows) => {
  let t: TestService;
  let receiver: Receiver;
  let tenant: string;
  let nth = 0;
  beforeAll(async () => {
    t = await startTestService({ pollEveryMs: 200, workflows });
  });
  afterAll(() => t.stop());
  beforeEach(async () => {
    tenant = `content_${nth++}`;
    receiver = await startReceiver();
    return () => receiver.close();
  });
  const arrived = async (n: number) => (await receiver.waitFor((all) => all.length >= n, 60_000))[n - 1]!;

  test('a payload of another type is the text of its string, signed and sent, with the headers of its event', async () => {
    const { secret } = await createEndpoint(t, receiver.url, { tenant });
    const payload = 'name=J\u00f6rg&note=a%20b\n"quoted"';
    const headers = { 'X-Trace': 'abc', 'Ce-Type': 'com.example', Authorization: 'Bearer of the event' };
    const event = await postEvent(t, { tenant, payload, content_type: FORM, headers });
    const request = await arrived(1);
    expect(request.body).toBe(payload);
    expect(request.headers).toMatchObject({
      ...{ 'content-type': FORM, 'x-trace': 'abc', 'ce-type': 'com.example' },
      authorization: 'Bearer of the event',
      'content-length': String(Buffer.byteLength(payload)),
    });
    expectSigned(secret, request);

    const { attempts } = await deliveryIn(t, event.deliveries[0]!.id);
    expect(attempts[0]!.request_headers).toMatchObject({
      ...{ 'content-type': FORM, 'x-trace': 'abc', authorization: '[redacted]' },
    });
    const { body } = await t.call('GET', `/v1/events/${event.id}`);
    expect(body).toMatchObject({
      ...{ payload, content_type: FORM },
      headers: { 'X-Trace': 'abc', Authorization: '[redacted]' },
    });
  });

  test('a type of JSON is sent as the text that was posted', async () => {
    const { secret } = await createEndpoint(t, receiver.url, { tenant });
    const type = 'application/cloudevents+json; charset=utf-8';
    const payload = '{ "specversion":"1.0",  "n": 1.50 }';
    await t.call(
      'POST',
      '/v1/events',
      `{"type":"a.b","tenant":"${tenant}","content_type":"${type}","payload":${payload}}`,
    );
    const request = await arrived(1);
    expect(request.body).toBe(payload);
    expect(request.headers['content-type']).toBe(type);
    expectSigned(secret, request);
  });

  test('an endpoint has a type of its own, which an event’s overrides, and headers that override an event’s', async () => {
    const own = { content_type: 'text/plain', headers: { 'X-A': 'of the endpoint' } };
    const { id } = await createEndpoint(t, receiver.url, { tenant, ...own });
    expect((await t.call('GET', `/v1/endpoints/${id}`)).body).toMatchObject({
      ...own,
      headers: { 'X-A': '****' },
    });
    await postEvent(t, { tenant, payload: 'a "text"', headers: { 'x-a': 'of the event', 'x-b': 'b' } });
    expect(await arrived(1)).toMatchObject({
      body: 'a "text"',
      headers: { 'content-type': 'text/plain', 'x-a': 'of the endpoint', 'x-b': 'b' },
    });
    await postEvent(t, { tenant, payload: { a: 1 } });
    expect(await arrived(2)).toMatchObject({ body: '{"a":1}', headers: { 'content-type': 'text/plain' } });
    await postEvent(t, { tenant, payload: 'text', content_type: 'application/json' });
    expect(await arrived(3)).toMatchObject({
      body: '"text"',
      headers: { 'content-type': 'application/json' },
    });
    await t.call('PATCH', `/v1/endpoints/${id}`, { content_type: null });
    // A change counts within a second.
    let posted = 3;
    const changed = await eventually(async () => {
      await postEvent(t, { tenant, payload: 'text' });
      const request = await arrived(++posted);
      return request.headers['content-type'] === 'application/json' && request;
    });
    expect(changed.body).toBe('"text"');
  });

  test('retries, what was held, and replays send the same', async () => {
    const { id, secret } = await createEndpoint(t, receiver.url, { tenant });
    receiver.setBehaviour((_, index) => ({ status: index === 0 ? 500 : 200 }));
    await t.call('POST', `/v1/endpoints/${id}/pause`);
    const content = { payload: 'a=1', content_type: FORM, headers: { 'x-trace': 'abc' } };
    const event = await postEvent(t, { tenant, ...content });
    expect(event.deliveries[0]!.status).toBe('HELD');
    await t.call('POST', `/v1/endpoints/${id}/resume`);
    await deliveryIn(t, event.deliveries[0]!.id, ['DELIVERED']);
    const calls = batchCalls(t);
    const batch = await calls.create({
      ...{ delivery_ids: [event.deliveries[0]!.id], include_delivered: true, rate_per_second: 0 },
    });
    await calls.batchIn(batch.id, ['COMPLETED']);
    await t.call('POST', `/v1/deliveries/${event.deliveries[0]!.id}/retry`);
    await arrived(4);
    for (const request of receiver.requests) {
      expect(request).toMatchObject({ body: 'a=1', headers: { 'content-type': FORM, 'x-trace': 'abc' } });
      expectSigned(secret, request);
    }
  });

  test('each event of a batch, and a send, has its own', async () => {
    await createEndpoint(t, receiver.url, { tenant });
    const one = { type: 'a.b', tenant, payload: 'one', content_type: 'text/plain', headers: { 'x-n': '1' } };
    const events = [one, { ...one, payload: 'two', content_type: 'text/csv', headers: { 'x-n': '2' } }];
    const { body } = await t.call('POST', '/v1/events/batch', {
      events: [...events, { ...one, payload: { n: 3 } }],
    });
    expect(body).toMatchObject({ results: [{ status: 202 }, { status: 202 }, { status: 400 }] });
    await t.call('POST', '/v1/send', {
      ...{ url: receiver.url, tenant, payload: 'three', content_type: FORM, headers: { 'x-n': '3' } },
    });
    await arrived(3);
    const seen = receiver.requests.map((r) => [r.headers['x-n'], r.headers['content-type'], r.body]);
    expect(seen.sort()).toEqual([
      ['1', 'text/plain', 'one'],
      ['2', 'text/csv', 'two'],
      ['3', FORM, 'three'],
    ]);
  });
});

describe('a request', () => {
  let t: TestService;
  beforeAll(async () => {
    t = await startTestService();
  });
  afterAll(() => t.stop());
  const post = (over: Record<string, unknown>, path = '/v1/events') =>
    t.call<Accepted>('POST', path, { type: 'a.b', payload: 'text', ...over });

  test('the same key with another type or other headers is a conflict; the case of a name is none', async () => {
    const event = { idempotency_key: 'k', content_type: 'text/plain', headers: { 'X-A': '1', 'x-b': '2' } };
    expect(await post(event)).toMatchObject({ status: 202 });
    expect(await post({ ...event, headers: { 'X-B': '2', 'x-a': '1' } })).toMatchObject({ status: 200 });
    for (const other of [
      { content_type: 'text/csv' },
      { content_type: undefined },
      { headers: { 'x-a': '1', 'x-b': '3' } },
      { headers: undefined },
    ]) {
      expect(await post({ ...event, ...other }), JSON.stringify(other)).toMatchObject({ status: 409 });
    }
    // Empty headers are the same as none.
    expect(await post({ idempotency_key: 'none' })).toMatchObject({ status: 202 });
    expect(await post({ idempotency_key: 'none', headers: {} })).toMatchObject({ status: 200 });
  });

  test.each([
    ['a header of ours', { headers: { 'Webhook-Id': 'x' } }, 'headers.Webhook-Id'],
    ['the content type as a header', { headers: { 'content-type': 'text/plain' } }, 'headers.content-type'],
    ['a header that frames the request', { headers: { 'Content-Length': '1' } }, 'headers.Content-Length'],
    ['a line break in a header', { headers: { 'x-a': 'a\r\nb: c' } }, 'headers.x-a'],
    ['a type that is none', { content_type: 'text' }, 'content_type'],
    ['a line break in the type', { content_type: 'text/plain\r\nx-a: b' }, 'content_type'],
    ['another charset', { content_type: 'text/plain; charset=iso-8859-1' }, 'content_type'],
    ['an object that is not JSON', { content_type: 'text/plain', payload: { a: 1 } }, 'payload'],
    ['half a character', { content_type: 'text/plain', payload: '\ud800' }, 'payload'],
  ])('%s is refused', async (_name, over, path) => {
    const answer = await t.call<{ errors: { path: string }[] }>(
      'POST',
      '/v1/events',
      JSON.stringify({ type: 'a.b', payload: 'text', ...over }),
    );
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path }] } });
  });
});
