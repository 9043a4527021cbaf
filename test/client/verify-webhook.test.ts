import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { Headers as HeadersOfUndici } from 'undici';
import { expect, test } from 'vitest';
import { verifyWebhook, WebhookVerificationError } from '../../src/client/index.js';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
const BODY = '{"amount":42}';
const NOW = new Date('2026-01-01T00:00:00Z');

const signed = (over: Record<string, string> = {}) => ({
  'webhook-id': 'evt_1',
  'webhook-timestamp': String(NOW.getTime() / 1000),
  'webhook-signature': new Webhook(SECRET).sign('evt_1', NOW, BODY),
  ...over,
});
const verify = (
  headers: Record<string, string>,
  secret: string | string[] = SECRET,
  body: string | Buffer = BODY,
  now = NOW,
) => verifyWebhook(body, headers, secret, { now: now.getTime() });

test('a webhook that another library signed is verified, as text and as bytes', () => {
  expect(verify(signed())).toMatchObject({
    id: 'evt_1',
    timestamp: NOW,
    payload: { amount: 42 },
  });
  expect(verify(signed(), SECRET, Buffer.from(BODY))).toMatchObject({ id: 'evt_1' });
  for (const headers of [new Headers(signed()), new HeadersOfUndici(signed()) as unknown as Headers])
    expect(verifyWebhook(BODY, headers, SECRET, { now: NOW.getTime() }).id).toBe('evt_1');
});

test('while a secret is rotated, either signature and either secret will do', () => {
  const both = `${new Webhook(OTHER).sign('evt_1', NOW, BODY)} ${signed()['webhook-signature']}`;
  expect(verify(signed({ 'webhook-signature': both })).id).toBe('evt_1');
  expect(verify(signed(), [OTHER, SECRET]).id).toBe('evt_1');
});

test('an Ed25519 signature is verified by the public key', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64');
  const value = sign(null, Buffer.from(`evt_1.${NOW.getTime() / 1000}.${BODY}`), privateKey).toString(
    'base64',
  );
  const headers = signed({ 'webhook-signature': `v1a,${value}` });
  expect(verify(headers, `whpk_${raw}`).id).toBe('evt_1');
  expect(() => verify(headers, `whpk_${raw}`, `${BODY} `)).toThrow(WebhookVerificationError);
});

test.each([
  ['another body', signed(), SECRET, `${BODY} `, NOW],
  ['another secret', signed(), OTHER, BODY, NOW],
  ['another id', signed({ 'webhook-id': 'evt_2' }), SECRET, BODY, NOW],
  ['a changed time', signed({ 'webhook-timestamp': '1767225601' }), SECRET, BODY, NOW],
  ['no signature', signed({ 'webhook-signature': '' }), SECRET, BODY, NOW],
  [
    'a signature of another version',
    signed({ 'webhook-signature': signed()['webhook-signature'].replace('v1,', 'v2,') }),
    SECRET,
    BODY,
    NOW,
  ],
  ['a time that is no number', signed({ 'webhook-timestamp': '1e9' }), SECRET, BODY, NOW],
  ['an age of 301 s', signed(), SECRET, BODY, new Date(NOW.getTime() + 301_000)],
  ['a time 301 s ahead', signed(), SECRET, BODY, new Date(NOW.getTime() - 301_000)],
])('%s is refused', (_, headers, secret, body, now) => {
  expect(() => verify(headers, secret, body, now)).toThrow(WebhookVerificationError);
});

test.each(['', 'whsec_'])('the secret "%s" verifies nothing, not even what an empty key signed', (secret) => {
  const text = `evt_1.${NOW.getTime() / 1000}.${BODY}`;
  const value = createHmac('sha256', '').update(text).digest('base64');
  const headers = signed({ 'webhook-signature': `v1,${value}` });
  expect(() => verify(headers, secret)).toThrow(WebhookVerificationError);
});
