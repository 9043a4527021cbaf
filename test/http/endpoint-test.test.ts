import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestAnswer } from '../../src/delivery/test-endpoint.js';
import { createEndpoint } from '../support/path.js';
import { untilPausesKnown } from '../support/pauses.js';
import { startReceiver, verified, type Receiver, type ReceiverOptions } from '../support/receiver.js';
import { startTestService, type Answer, type TestService } from '../support/service.js';
import { makeCertificates, type Certificates } from '../support/tls.js';

let t: TestService;
let certificates: Certificates;
const receivers: Receiver[] = [];
beforeAll(async () => {
  t = await startTestService({ workflows: 'none' });
  certificates = await makeCertificates();
});
afterAll(async () => {
  await t.stop();
  await Promise.all(receivers.map((receiver) => receiver.close()));
});

async function receiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const started = await startReceiver(options);
  receivers.push(started);
  return started;
}

const test = (id: string, body?: unknown) => t.call<TestAnswer>('POST', `/v1/endpoints/${id}/test`, body);

async function testOf(
  url: string,
  settings: Record<string, unknown> = {},
  body?: unknown,
): Promise<Answer<TestAnswer>> {
  const { id } = await createEndpoint(t, url, settings);
  return test(id, body);
}

async function rows(): Promise<number> {
  const sql = 'select (select count(*) from events) + (select count(*) from all_deliveries) as n';
  return (await t.pool.query<{ n: number }>(sql)).rows[0]!.n;
}

/** How many backends wait for a lock of the table. */
async function waitingFor(table: string): Promise<number> {
  // Databases of other tests have the same oids.
  const sql = `select from pg_locks where relation = $1::regclass and not granted
    and database = (select oid from pg_database where datname = current_database())`;
  return (await t.pool.query(sql, [table])).rowCount!;
}

describe('a test of an endpoint', () => {
  it('sends one signed sample, stores nothing, and answers with the whole attempt', async () => {
    const { url, requests } = await receiver({
      behave: () => ({
        status: 202,
        body: 'thanks canary-header',
        headers: { 'x-a': 'b', 'retry-after': 'canary-header' },
      }),
    });
    const before = await rows();
    const settings = { event_types: ['order.*'], headers: { 'x-own': 'canary-header' } };
    const { id, secret } = await createEndpoint(t, url, settings);
    const { status, body } = await test(id);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      sent: true,
      endpoint_status: 'enabled',
      event_type: 'order.test',
      diagnosis: expect.stringMatching(/^The receiver answered 202 after \d+ ms\.$/) as string,
      request: { method: 'POST', url, headers: { 'x-own': '****', 'webhook-event-type': 'order.test' } },
      attempt: {
        number: 1,
        http_status: 202,
        classification: 'DELIVERED',
        remote_address: '127.0.0.1',
        response_headers: { 'x-a': 'b' },
        response_body: 'thanks [redacted]',
        retry_after: '[redacted]',
        request_headers: { 'x-own': '[redacted]', 'webhook-signature': '[redacted]' },
      },
      tls: null,
    });
    const [request] = requests;
    expect(requests).toHaveLength(1);
    expect(verified(secret, request!)).toEqual(JSON.parse(body.request.body));
    expect(request!.headers).toMatchObject({
      'x-own': 'canary-header',
      'webhook-signature': body.request.headers['webhook-signature'],
    });
    expect(JSON.stringify(body)).not.toContain('canary');
    expect(await rows()).toEqual(before);
    const { data } = (await t.call<{ data: object[] }>('GET', `/v1/audit?object=${id}`)).body;
    expect(data[0]).toMatchObject({ action: 'endpoint.test', after: { event_type: 'order.test' } });
  });

  it('sends the given type and payload, byte for byte', async () => {
    const { url, requests } = await receiver();
    const { id } = await createEndpoint(t, url);
    const payload = '{ "n": 12345678901234567890, "a":"\\u00fc" }';
    const answer = await test(id, `{"event_type":"a/b","payload":${payload}}`);
    expect(answer).toMatchObject({ status: 200, body: { event_type: 'a/b', request: { body: payload } } });
    expect(requests[0]).toMatchObject({ body: payload, headers: { 'webhook-event-type': 'a/b' } });
  });

  it('previews the signed request without sending it', async () => {
    const { url, requests } = await receiver();
    const { id, secret } = await createEndpoint(t, url, {
      body: 'envelope',
      basic_auth: { username: 'u', password: 'canary' },
      extra_signature: { header: 'x-own-signature', encoding: 'hex', secret: 'canary-extra' },
    });
    const { body } = await test(id, { preview: true, payload: [1] });
    expect(body).toMatchObject({
      sent: false,
      attempt: null,
      request: { headers: { authorization: '****' } },
    });
    const { headers } = body.request;
    expect(headers['x-own-signature']).toMatch(/^[0-9a-f]{64}$/);
    const request = { raw: Buffer.from(body.request.body), headers } as unknown as Parameters<
      typeof verified
    >[1];
    expect(verified(secret, request)).toMatchObject({ type: 'test', data: [1] });
    expect(JSON.stringify(body)).not.toContain('canary');
    expect(requests).toEqual([]);
  });

  it('says that the endpoint is paused or disabled, and is sent nevertheless', async () => {
    const { url, requests } = await receiver();
    const { id } = await createEndpoint(t, url);
    for (const [verb, status] of [
      ['pause', 'paused'],
      ['disable', 'disabled'],
    ]) {
      await t.call('POST', `/v1/endpoints/${id}/${verb}`);
      const { body } = await test(id);
      expect(body).toMatchObject({ sent: true, endpoint_status: status });
      expect(body.diagnosis).toContain(`The endpoint is ${status}: its events wait`);
    }
    expect(requests).toHaveLength(2);
  });

  it('is refused while the kill switch is on, but for a preview', async () => {
    const { url, requests } = await receiver();
    const { id } = await createEndpoint(t, url, { tenant: 'stopped' });
    const scope = { scope: 'tenant', tenant: 'stopped', reason: 'incident 7' };
    await t.call('POST', '/v1/control/pause', scope);
    await untilPausesKnown(t);
    expect(await test(id)).toMatchObject({
      status: 409,
      body: { code: 'paused', detail: expect.stringContaining('incident 7') as string },
    });
    expect(await test(id, { preview: true })).toMatchObject({ status: 200, body: { sent: false } });
    const before = requests.length;
    await t.call('POST', '/v1/control/resume', scope);
    await untilPausesKnown(t);
    expect(await test(id)).toMatchObject({ status: 200, body: { sent: true } });
    expect(requests).toHaveLength(before + 1);
  });

  it('is not sent where the kill switch is set after the test was asked for', async () => {
    const { url, requests } = await receiver();
    const { id } = await createEndpoint(t, url, { tenant: 'late' });
    const scope = { scope: 'tenant', tenant: 'late', reason: 'incident 8' };
    const blocker = await t.pool.connect();
    try {
      // The test waits here for the secret of the endpoint.
      await blocker.query('begin; lock table endpoint_secrets in access exclusive mode');
      const asked = test(id);
      await expect.poll(async () => (await waitingFor('endpoint_secrets')) > 0).toBe(true);
      await t.call('POST', '/v1/control/pause', scope);
      await untilPausesKnown(t);
      await blocker.query('rollback');
      expect(await asked).toMatchObject({ status: 409, body: { code: 'paused' } });
    } finally {
      await blocker.query('rollback');
      blocker.release();
      await t.call('POST', '/v1/control/resume', scope);
    }
    expect(requests).toEqual([]);
  });

  it('does not disable the endpoint, whatever the receiver says', async () => {
    const gone = await receiver({
      behave: () => ({ status: 410, headers: { 'webhook-delivery': 'disable' } }),
    });
    const { id } = await createEndpoint(t, gone.url);
    expect((await test(id)).body.diagnosis).toMatch(/410.* which a test does not do/);
    expect(await t.call('GET', `/v1/endpoints/${id}`)).toMatchObject({ body: { status: 'enabled' } });
  });

  it('is limited to 20 a minute for an endpoint', async () => {
    const { url } = await receiver();
    const { id } = await createEndpoint(t, url);
    const other = await createEndpoint(t, url);
    const statuses: number[] = [];
    // More than two minutes' worth: the minute may change meanwhile.
    for (let n = 0; n < 41; n++) statuses.push((await test(id, { preview: true })).status);
    expect(statuses).toContain(429);
    const refused = await expect
      .poll(() => test(id, { preview: true }))
      .toMatchObject({ status: 429, body: { code: 'too_many_tests' } })
      .then(() => test(other.id, { preview: true }));
    expect(refused.status).toBe(200);
  });

  it.each([
    [{ event_type: 'a b' }, 'event_type'],
    [{ preview: 'yes' }, 'preview'],
    [{ url: 'https://example.com' }, 'url'],
  ])('refuses %j', async (body, path) => {
    const { url, requests } = await receiver();
    expect(await testOf(url, {}, body)).toMatchObject({ status: 400, body: { errors: [{ path }] } });
    expect(requests).toEqual([]);
  });

  it('is 404 for an endpoint that is not there', async () => {
    expect((await test(`ep_${'0'.repeat(32)}`)).status).toBe(404);
  });
});

describe('the diagnosis says', () => {
  const said = async (url: string, settings: Record<string, unknown> = {}) =>
    (await testOf(url, settings)).body.diagnosis;

  it('where a redirect leads', async () => {
    const { url } = await receiver({ behave: () => ({ status: 301, headers: { location: '/new?a=1' } }) });
    expect(await said(url)).toContain(`answered 301 after`);
    expect(await said(url)).toContain(
      `Redirects are never followed: use ${new URL('/new?a=1', url).href} as the URL.`,
    );
  });

  it.each([
    [401, /refuses the credentials/],
    [404, /Nothing is at this path/],
    [405, /takes no POST/],
    [418, /refuses the request/],
    [500, /failed at the request/],
    [503, /not available/],
  ])('what %i means', async (status, words) => {
    const { url } = await receiver({ behave: () => ({ status }) });
    expect(await said(url)).toMatch(words);
  });

  it('that a name does not resolve', async () => {
    expect(await said('http://no-such-name.invalid/')).toMatch(
      /^The host name no-such-name\.invalid (does not resolve|could not)/,
    );
  });

  it('that nothing listens', async () => {
    const { port, close } = await startReceiver();
    await close();
    expect(await said(`http://127.0.0.1:${port}/`)).toBe(
      `Nothing listens at 127.0.0.1:${port} (127.0.0.1): the connection was refused.`,
    );
  });

  it('that the receiver is too slow', async () => {
    const { url } = await receiver({ behave: () => ({ hang: true }) });
    expect(await said(url, { timeout_ms: 1_000 })).toMatch(
      /within 1000 ms.*should answer before it does its work/,
    );
  });

  it.each([
    ['expired', /^The certificate expired on \d{4}-\d\d-\d\dT.*Z\.$/],
    ['wrongHost', /^The certificate is for elsewhere\.example, not for localhost\.$/],
    ['selfSigned', /^The certificate is signed by itself: set ca/],
  ] as const)('what is wrong with a certificate that is %s', async (name, words) => {
    const { url, requests } = await receiver({ tls: certificates[name] });
    const { body } = await testOf(url, { ca: certificates.ca });
    expect(body.diagnosis).toMatch(words);
    expect(body.tls).toMatchObject({
      version: 'TLSv1.3',
      certificate: { expires_at: expect.any(String) as string },
    });
    expect(requests).toEqual([]);
  });

  it('that an authority is not trusted', async () => {
    const { url } = await receiver({ tls: certificates.valid });
    expect(await said(url)).toMatch(/leads to no authority that is trusted.*which ca makes trusted/);
  });

  it('that the port speaks no TLS', async () => {
    const { port } = await receiver();
    expect(await said(`https://127.0.0.1:${port}/`)).toMatch(/does not speak TLS/);
  });

  it('when a certificate that is valid ends, and how TLS went', async () => {
    const { url, requests } = await receiver({
      tls: { ...certificates.valid, ca: certificates.ca, requestCert: true },
    });
    const { cert, key } = certificates.valid;
    const settings = { ca: certificates.ca, client_certificate: { certificate: cert, private_key: key } };
    const { body } = await testOf(url, settings);
    expect(body.diagnosis).toMatch(/answered 200.* Its certificate expires on \d{4}-/);
    expect(body.attempt!.timings).toEqual({
      dns: expect.any(Number) as number,
      connect: expect.any(Number) as number,
      tls: expect.any(Number) as number,
      first_byte: expect.any(Number) as number,
      total: expect.any(Number) as number,
    });
    expect(requests).toHaveLength(1);
    expect(await said(url, { ca: certificates.ca })).toMatch(/may ask for a client_certificate/);
  });
});
