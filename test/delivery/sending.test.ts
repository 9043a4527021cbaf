import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test, vi } from 'vitest';
import { sealSecret, sealSettings, NOTHING } from '../../src/delivery/endpoint-vault.js';
import { buildRequest } from '../../src/delivery/build-request.js';
import { createReadSending } from '../../src/delivery/sending.js';
import { aboutSealed, ENDPOINT_SETTINGS } from '../../src/db/sealed-columns.js';
import { createSecretCipher, UnreadableSecretError } from '../../src/lib/secret-cipher.js';
import { newSecret } from '../../src/webhook/sign.js';
import { endpointTarget } from '../support/endpoint-target.js';

const cipher = createSecretCipher([Buffer.alloc(32, 1).toString('base64')]);
const readSending = createReadSending(cipher);
const secrets = [newSecret(), newSecret(), newSecret()];
const ID = 'evt_1';

const verifies = (secret: string, signature: string, timestamp: number): boolean => {
  const headers = {
    'webhook-id': ID,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': signature,
  };
  try {
    new Webhook(secret).verify('{}', headers);
    return true;
  } catch {
    return false;
  }
};

test('all live secrets sign, newest first, and none after its end', () => {
  const timestamp = Math.floor(Date.now() / 1000);
  const untils = [Infinity, performance.now() + 60_000, performance.now() - 1];
  const live = secrets.map((secret, i) => ({
    id: `sec_${i}`,
    sealed: sealSecret(cipher, `sec_${i}`, secret),
    until: untils[i]!,
  }));
  const target = endpointTarget({ id: 'ep_1', url: 'http://127.0.0.1:1/' }, { secrets: live });
  const signature = readSending(target).sign(ID, timestamp, '{}');
  expect(signature.split(' ')).toHaveLength(2);
  expect(secrets.map((secret) => verifies(secret, signature, timestamp))).toEqual([true, true, false]);
  expect(verifies(secrets[0]!, signature.split(' ')[0]!, timestamp)).toBe(true);
});

test('a secret that ends while its endpoint stays in memory signs no more', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const timestamp = Math.floor(Date.now() / 1000);
  const until = performance.now() + 50;
  const live = [
    { id: 'sec_1', sealed: sealSecret(cipher, 'sec_1', secrets[0]!), until: Infinity },
    { id: 'sec_2', sealed: sealSecret(cipher, 'sec_2', secrets[1]!), until },
  ];
  const target = endpointTarget({ id: 'ep_1', url: 'http://127.0.0.1:1/' }, { secrets: live });
  const { sign } = readSending(target);
  expect(sign(ID, timestamp, '{}').split(' ')).toHaveLength(2);
  vi.advanceTimersByTime(50);
  expect(readSending(target).sign(ID, timestamp, '{}').split(' ')).toHaveLength(1);
  expect(verifies(secrets[0]!, sign(ID, timestamp, '{}'), timestamp)).toBe(true);
});

test('an endpoint is read once, and a changed one again', () => {
  const target = endpointTarget({ id: 'ep_1', url: 'http://127.0.0.1:1/' });
  expect(readSending(target)).toBe(readSending({ ...target }));
  expect(readSending({ ...target, endpoint: { ...target.endpoint } })).not.toBe(readSending(target));
});

test('settings that cannot be opened are an error, every time', () => {
  const target = endpointTarget(
    { id: 'ep_1', url: 'http://127.0.0.1:1/' },
    { sealed_settings: Buffer.alloc(64, 7) },
  );
  for (let n = 0; n < 2; n++) expect(() => readSending(target)).toThrow(/is not sealed/);
});

const event = {
  ...{
    event_id: ID,
    event_type: 'order."created"',
    tenant: 't',
    event_headers: null,
    event_content_type: null,
  },
  event_created_at: new Date('2026-02-03T04:05:06.789Z'),
  payload: ' {"n": 12345678901234567890, "a":"ü🦊\\u0000"} ',
};
const made = { number: 1, timestamp: 1_700_000_000, version: '0' };

test('the envelope holds the payload byte for byte, and its bytes are the ones that are signed', () => {
  const live = [{ id: 'sec_1', sealed: sealSecret(cipher, 'sec_1', secrets[0]!), until: Infinity }];
  const target = endpointTarget(
    { id: 'ep_1', url: 'http://127.0.0.1:1/', body: 'envelope' },
    { secrets: live },
  );
  const sending = readSending(target);
  const given = { ...event, event_content_type: 'text/plain', endpoint: target.endpoint };
  const { body, headers } = buildRequest(given, sending, made);
  expect(body).toBe(
    `{"type":"order.\\"created\\"","timestamp":"2026-02-03T04:05:06.789Z","data":${event.payload}}`,
  );
  expect(JSON.parse(body)).toMatchObject({ type: event.event_type, data: { a: 'ü🦊\0' } });
  expect(headers['content-type']).toBe('application/json');
  expect(headers['webhook-signature']).toBe(sending.sign(ID, made.timestamp, body));
});

test.each([
  ['hex', 'sha256=', 'own secret'],
  ['base64', '', null],
] as const)(
  'the extra signature, in %s with the prefix %j, is over the body alone',
  (encoding, prefix, secret) => {
    const live = [{ id: 'sec_1', sealed: sealSecret(cipher, 'sec_1', secrets[0]!), until: Infinity }];
    const target = endpointTarget(
      {
        ...{ id: 'ep_1', url: 'http://127.0.0.1:1/' },
        extra_signature: { header: 'X-Hub-Signature-256', prefix, encoding, secret: secret && '****' },
      },
      { secrets: live, sealed_settings: sealSettings(cipher, 'ep_1', { ...NOTHING, extra_secret: secret }) },
    );
    const { headers } = buildRequest({ ...event, endpoint: target.endpoint }, readSending(target), made);
    const expected = createHmac('sha256', secret ?? secrets[0]!)
      .update(event.payload)
      .digest(encoding);
    expect(headers['x-hub-signature-256']).toBe(prefix + expected);
  },
);

test('basic auth and own headers are sent, and are all confidential', () => {
  const headers = { 'X-Api-Key': 'k-1234567', 'x-team': 'blue-team' };
  const confidential = { ...NOTHING, headers, password: 'pässword' };
  const target = endpointTarget(
    { id: 'ep_1', url: 'http://127.0.0.1:1/', basic_auth: { username: 'user', password: '****' } },
    { sealed_settings: sealSettings(cipher, 'ep_1', confidential) },
  );
  const sending = readSending(target);
  const sent = buildRequest({ ...event, endpoint: target.endpoint }, sending, made).headers;
  expect(sent).toMatchObject({
    'x-api-key': 'k-1234567',
    'x-team': 'blue-team',
    authorization: `Basic ${Buffer.from('user:pässword').toString('base64')}`,
  });
  expect(sending.hidden.sort()).toEqual(['authorization', 'x-api-key', 'x-team']);
  expect(sending.credentials).toEqual(expect.arrayContaining(['k-1234567', 'blue-team', 'pässword']));
});

test('secrets that a receiver knows, and parts of its URL, are confidential where it repeats them', () => {
  const live = [{ id: 'sec_1', sealed: sealSecret(cipher, 'sec_1', secrets[0]!), until: Infinity }];
  const target = endpointTarget(
    {
      ...{ id: 'ep_1', url: 'http://127.0.0.1:1/in?token=t-1234567&page=12345678' },
      extra_signature: { header: 'x-own', prefix: '', encoding: 'hex', secret: '****' },
    },
    {
      secrets: live,
      sealed_settings: sealSettings(cipher, 'ep_1', { ...NOTHING, extra_secret: 'own secret' }),
    },
  );
  const { credentials } = readSending(target);
  expect(credentials).toEqual(expect.arrayContaining([secrets[0], 'own secret', 'own+secret', 't-1234567']));
  expect(credentials).not.toContain('12345678');
});

test('settings that are no JSON are unreadable, and the error quotes nothing of them', () => {
  const about = aboutSealed(ENDPOINT_SETTINGS, 'ep_1');
  const target = endpointTarget(
    { id: 'ep_1', url: 'http://127.0.0.1:1/' },
    { sealed_settings: cipher.seal('{"password": canary}', about) },
  );
  expect(() => readSending(target)).toThrow(
    new UnreadableSecretError('the settings of an endpoint are not stored as this version stores them'),
  );
});
