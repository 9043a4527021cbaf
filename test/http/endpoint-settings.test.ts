import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSettings } from '../../src/delivery/endpoint-vault.js';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import { createEndpoint } from '../support/path.js';
import { ENCRYPTION_KEY, startTestService, type TestService } from '../support/service.js';
import { makeCertificates, type Certificates } from '../support/tls.js';

const URL = 'https://example.com/hook';
const BODY = { url: URL, event_types: ['*'] };

let t: TestService;
let certificates: Certificates;
beforeAll(async () => {
  t = await startTestService({ role: 'api', workflows: 'none', attempts: false, allowPorts: [443, 8443] });
  certificates = await makeCertificates();
});
afterAll(() => t.stop());

interface Failed {
  status: number;
  code: string;
  errors: { path: string; message: string }[];
}

const rowOf = async (id: string) =>
  (await t.pool.query<Record<string, unknown>>('select * from endpoints where id = $1', [id])).rows[0]!;

const settings = () => ({
  headers: { 'X-Api-Key': 'canary-header', 'x-team': 'canary-team' },
  basic_auth: { username: 'user', password: 'canary-password' },
  client_certificate: { certificate: certificates.valid.cert, private_key: certificates.valid.key },
  ca: certificates.ca,
  extra_signature: {
    header: 'X-Hub-Signature-256',
    prefix: 'sha256=',
    encoding: 'hex',
    secret: 'canary-extra',
  },
  retry_schedule: [1, 60, 86_400],
  permanent_statuses: [501, '4xx'],
  retry_on: 'all',
  body: 'envelope',
  metadata: { plan: 'pro', 'long key': 'x'.repeat(500) },
  timeout_ms: 5_000,
});

const shown = () => ({
  headers: { 'X-Api-Key': '****', 'x-team': '****' },
  basic_auth: { username: 'user', password: '****' },
  client_certificate: { certificate: certificates.valid.cert, private_key: '****' },
  ca: certificates.ca,
  extra_signature: { header: 'X-Hub-Signature-256', prefix: 'sha256=', encoding: 'hex', secret: '****' },
  retry_schedule: [1, 60, 86_400],
  permanent_statuses: [501, '4xx'],
  retry_on: 'all',
  body: 'envelope',
  metadata: { plan: 'pro', 'long key': 'x'.repeat(500) },
  timeout_ms: 5_000,
  signature: 'hmac',
  public_key: null,
});

describe('the settings of an endpoint', () => {
  it('are answered with masks by POST, GET and lists, and are stored encrypted', async () => {
    const made = await t.call<{ id: string }>('POST', '/v1/endpoints', { ...BODY, ...settings() });
    expect(made).toMatchObject({ status: 201, body: shown() });
    const { id } = made.body;
    expect(await t.call('GET', `/v1/endpoints/${id}`)).toMatchObject({ status: 200, body: shown() });
    const list = await t.call<{ data: object[] }>('GET', '/v1/endpoints');
    expect(list.body.data).toContainEqual(expect.objectContaining(shown()));
    const { body: audited } = await t.call('GET', `/v1/audit?object=${id}`);
    const stored = [await rowOf(id), audited, made.body, list.body]
      .map((value) => JSON.stringify(value))
      .join();
    const key = certificates.valid.key.split('\n')[1]!;
    for (const canary of ['canary-', key]) expect(stored).not.toContain(canary);
    expect(Buffer.from((await rowOf(id)).sealed_settings as Buffer).toString('latin1')).not.toContain(
      'canary',
    );
  });

  it('have defaults', async () => {
    const { body } = await t.call<{ id: string }>('POST', '/v1/endpoints', BODY);
    expect(body).toMatchObject({
      ...{ headers: {}, basic_auth: null, client_certificate: null, ca: null, extra_signature: null },
      ...{ retry_schedule: null, permanent_statuses: [], retry_on: 'default', body: 'payload', metadata: {} },
      ...{ signature: 'hmac', public_key: null, timeout_ms: 15_000 },
    });
    expect((await rowOf(body.id)).sealed_settings).toBeNull();
  });

  it('are changed one by one by PATCH: the others keep their confidential values', async () => {
    const { id } = await createEndpoint(t, URL, settings());
    const before = (await rowOf(id)).sealed_settings;
    expect(await t.call('PATCH', `/v1/endpoints/${id}`, { description: 'x' })).toMatchObject({ status: 200 });
    expect((await rowOf(id)).sealed_settings).toEqual(before);

    const changed = await t.call('PATCH', `/v1/endpoints/${id}`, { headers: { 'x-new': 'canary-new' } });
    expect(changed).toMatchObject({ status: 200, body: { ...shown(), headers: { 'x-new': '****' } } });
    const { data } = (await t.call<{ data: unknown[] }>('GET', `/v1/audit?object=${id}`)).body;
    expect(data[0]).toMatchObject({
      action: 'endpoint.update',
      before: { headers: ['x-team', 'X-Api-Key'] },
      after: { headers: ['x-new'], confidential_values: 'changed' },
    });
    expect(JSON.stringify(data)).not.toMatch(/canary|BEGIN/);

    const none = { headers: {}, basic_auth: null, client_certificate: null, ca: null, extra_signature: null };
    expect(await t.call('PATCH', `/v1/endpoints/${id}`, { ...none, retry_schedule: null })).toMatchObject({
      status: 200,
      body: { ...none, retry_schedule: null, body: 'envelope' },
    });
    expect((await rowOf(id)).sealed_settings).toBeNull();
  });
});

describe('the secret of a second signature', () => {
  const shape = { header: 'x-hub-signature-256', prefix: '', encoding: 'hex' };
  const open = async (id: string) => {
    const { sealed_settings } = await rowOf(id);
    const cipher = createSecretCipher([ENCRYPTION_KEY]);
    return openSettings(cipher, id, sealed_settings as Buffer | null).extra_secret;
  };

  it('is kept by a PATCH that leaves it out, and is dropped by null', async () => {
    const { id } = await createEndpoint(t, URL, { extra_signature: { ...shape, secret: 'canary-extra' } });
    const patch = (extra_signature: object | null) =>
      t.call('PATCH', `/v1/endpoints/${id}`, { extra_signature });
    expect(await patch({ ...shape, encoding: 'base64' })).toMatchObject({
      status: 200,
      body: { extra_signature: { encoding: 'base64', secret: '****' } },
    });
    expect(await open(id)).toBe('canary-extra');
    expect(await patch({ ...shape, secret: null })).toMatchObject({
      status: 200,
      body: { extra_signature: { secret: null } },
    });
    expect(await open(id)).toBeNull();
    await patch({ ...shape, secret: 'canary-other' });
    await patch(null);
    expect(await patch(shape)).toMatchObject({ body: { extra_signature: { secret: null } } });
    expect(await open(id)).toBeNull();
  });

  it('is the endpoint’s own where POST leaves it out, or gives null', async () => {
    for (const extra_signature of [shape, { ...shape, secret: null }])
      expect(await t.call('POST', '/v1/endpoints', { ...BODY, extra_signature })).toMatchObject({
        status: 201,
        body: { extra_signature: { ...shape, secret: null } },
      });
  });
});

describe('bad settings', () => {
  const cases = (): [string, object, string, string?][] => [
    ['an empty schedule', { retry_schedule: [] }, 'retry_schedule'],
    ['21 retries', { retry_schedule: Array<number>(21).fill(1) }, 'retry_schedule'],
    ['a delay of 0 s', { retry_schedule: [5, 0] }, 'retry_schedule[1]'],
    ['half a second', { retry_schedule: [0.5] }, 'retry_schedule[0]'],
    ['a delay above a day', { retry_schedule: [86_401] }, 'retry_schedule[0]'],
    ['a delay as a text', { retry_schedule: ['5'] }, 'retry_schedule[0]'],
    ['a success as permanent', { permanent_statuses: [200] }, 'permanent_statuses[0]'],
    ['an unknown class', { permanent_statuses: ['2xx'] }, 'permanent_statuses[0]'],
    ['600', { permanent_statuses: [404, 600] }, 'permanent_statuses[1]'],
    ['an unknown body', { body: 'cloudevents' }, 'body'],
    ['a colon in the user name', { basic_auth: { username: 'a:b', password: 'x' } }, 'basic_auth.username'],
    ['no password', { basic_auth: { username: 'a' } }, 'basic_auth.password'],
    [
      'a line break in a password',
      { basic_auth: { username: 'a', password: 'a\nb' } },
      'basic_auth.password',
    ],
    ['the mask as password', { basic_auth: { username: 'a', password: '****' } }, 'basic_auth.password'],
    ['the mask as header', { headers: { 'x-a': '****' } }, 'headers.x-a'],
    [
      'the mask as key',
      { client_certificate: { certificate: certificates.valid.cert, private_key: '****' } },
      'client_certificate.private_key',
    ],
    [
      'the key of another certificate',
      { client_certificate: { certificate: certificates.valid.cert, private_key: certificates.expired.key } },
      'client_certificate.private_key',
    ],
    [
      'an expired certificate',
      {
        client_certificate: { certificate: certificates.expired.cert, private_key: certificates.expired.key },
      },
      'client_certificate.certificate',
    ],
    ['an authority that is no PEM', { ca: 'abc' }, 'ca'],
    ['an authority with NUL', { ca: `${certificates.ca}\0` }, 'ca'],
    ['an authority with half a character', { ca: `\ud800${certificates.ca}` }, 'ca'],
    [
      'a certificate with NUL',
      {
        client_certificate: {
          certificate: `\0${certificates.valid.cert}`,
          private_key: certificates.valid.key,
        },
      },
      'client_certificate.certificate',
    ],
    [
      'a reserved header',
      { extra_signature: { header: 'webhook-id', encoding: 'hex' } },
      'extra_signature.header',
    ],
    [
      'an unknown encoding',
      { extra_signature: { header: 'x-s', encoding: 'hexa' } },
      'extra_signature.encoding',
    ],
    [
      'a line break in a prefix',
      { extra_signature: { header: 'x-s', encoding: 'hex', prefix: 'a\n' } },
      'extra_signature.prefix',
    ],
    [
      'the mask as secret',
      { extra_signature: { header: 'x-s', encoding: 'hex', secret: '****' } },
      'extra_signature.secret',
    ],
    ['a long value of metadata', { metadata: { a: 'x'.repeat(501) } }, 'metadata.a'],
    ['51 keys', { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [n, ''])) }, 'metadata'],
    ['a number as metadata', { metadata: { a: 1 } }, 'metadata.a'],
    // Contradictions.
    [
      'two authorizations',
      { headers: { Authorization: 'x' }, basic_auth: { username: 'a', password: 'b' } },
      'basic_auth',
    ],
    [
      'a signature in an own header',
      { headers: { 'X-S': 'x' }, extra_signature: { header: 'x-s', encoding: 'hex' } },
      'extra_signature.header',
    ],
    ['an envelope of another type', { body: 'envelope', content_type: 'text/plain' }, 'content_type'],
    ['an authority for http', { url: 'http://example.com:443/', ca: certificates.ca }, 'ca'],
    ['a port that is not allowed', { url: 'https://example.com:25/' }, 'url', 'port_blocked'],
  ];

  it('are refused by POST and PATCH, with the field, and change nothing', async () => {
    const { id } = await createEndpoint(t, URL);
    const before = await rowOf(id);
    for (const [what, bad, path, code = 'validation_failed'] of cases()) {
      const answers = await Promise.all([
        t.call<Failed>('POST', '/v1/endpoints', { ...BODY, ...bad }),
        t.call<Failed>('PATCH', `/v1/endpoints/${id}`, bad),
      ]);
      for (const { status, body } of answers) {
        expect([what, status, body.code, body.errors[0]!.path]).toEqual([
          ...[what, code === 'port_blocked' ? 422 : 400, code, path],
        ]);
        expect(JSON.stringify(body)).not.toContain(certificates.expired.key.split('\n')[1]);
      }
    }
    expect(await rowOf(id)).toEqual(before);
    const { rows } = await t.pool.query(`select from endpoints where url like '%:25/' or url like 'http:%'`);
    expect(rows).toHaveLength(0);
  });

  it('are found by PATCH where they contradict what is stored', async () => {
    const { id } = await createEndpoint(t, URL, {
      basic_auth: { username: 'a', password: 'b' },
      ca: certificates.ca,
    });
    const patch = (body: object) => t.call<Failed>('PATCH', `/v1/endpoints/${id}`, body);
    expect(await patch({ headers: { authorization: 'x' } })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'basic_auth' }] },
    });
    expect(await patch({ url: 'http://example.com:443/' })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'ca' }] },
    });
    expect(await patch({ headers: { authorization: 'x' }, basic_auth: null })).toMatchObject({ status: 200 });
  });

  it('cannot change a secret or the kind of signature by PATCH', async () => {
    const { id } = await createEndpoint(t, URL);
    for (const [path, value] of Object.entries({ secret: 'whsec_x', signature: 'ed25519' }))
      expect(await t.call<Failed>('PATCH', `/v1/endpoints/${id}`, { [path]: value })).toMatchObject({
        status: 400,
        body: { errors: [{ path, message: expect.stringContaining('rotate-secret') as string }] },
      });
  });
});

describe('an id that the client has chosen', () => {
  const id = `ep_${'0123456789abcdef'.repeat(2)}`;

  it('is the endpoint’s, once, also after it has been deleted', async () => {
    expect(await t.call('POST', '/v1/endpoints', { ...BODY, id })).toMatchObject({
      status: 201,
      body: { id },
    });
    const taken = { status: 409, body: { code: 'id_taken', errors: [{ path: 'id' }] } };
    expect(await t.call('POST', '/v1/endpoints', { ...BODY, id, tenant: 'other' })).toMatchObject(taken);
    expect(await t.call('DELETE', `/v1/endpoints/${id}`)).toMatchObject({ status: 204 });
    expect(await t.call('POST', '/v1/endpoints', { ...BODY, id })).toMatchObject(taken);
  });

  it.each(['ep_1', 'evt_0123456789abcdef0123456789abcdef', `${id.toUpperCase()}`, 'my-endpoint'])(
    'is refused as %s',
    async (bad) => {
      expect(await t.call('POST', '/v1/endpoints', { ...BODY, id: bad })).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'id' }] },
      });
    },
  );
});

it('POST /v1/send keeps its headers encrypted, and refuses a port that is not allowed', async () => {
  const body = { url: URL, payload: 1, headers: { 'x-a': 'canary-send' } };
  const sent = await t.call<{ deliveries: { endpoint_id: string }[] }>('POST', '/v1/send', body);
  expect(sent.status).toBe(202);
  const row = await rowOf(sent.body.deliveries[0]!.endpoint_id);
  expect(row.headers).toEqual({ 'x-a': '****' });
  expect(JSON.stringify(row)).not.toContain('canary');
  expect(await t.call('POST', '/v1/send', { ...body, url: 'https://example.com:22/' })).toMatchObject({
    status: 422,
    body: { code: 'port_blocked', errors: [{ path: 'url' }] },
  });
});

it('values of headers that were stored before they were encrypted are masked, too', async () => {
  const { id } = await createEndpoint(t, URL);
  await t.pool.query(`update endpoints set headers = '{"x-old":"canary"}' where id = $1`, [id]);
  expect(await t.call('GET', `/v1/endpoints/${id}`)).toMatchObject({
    body: { headers: { 'x-old': '****' } },
  });
});
