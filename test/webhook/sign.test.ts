import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { isSecret, newSecret, sign } from '../../src/webhook/sign.js';

const ID = 'evt_0190a0b1c2d37e4f8a9b0c1d2e3f4a5b';
const now = (): number => Math.floor(Date.now() / 1000);

describe('sign', () => {
  it('gives the signature published with the Standard Webhooks libraries', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const signature = sign([secret], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}');
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('produces signatures that an independent verifier accepts for any payload', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (payload) => {
        const secret = newSecret();
        const timestamp = now();
        const headers = {
          'webhook-id': ID,
          'webhook-timestamp': String(timestamp),
          'webhook-signature': sign([secret], ID, timestamp, payload),
        };
        new Webhook(secret).verify(payload, headers, { jsonParse: false });
      }),
    );
  });

  it('signs with every live secret, so that a receiver with only the old one can verify', () => {
    const secrets = [newSecret(), newSecret()];
    const timestamp = now();
    const signature = sign(secrets, ID, timestamp, '{}');
    expect(signature.split(' ')).toHaveLength(2);
    for (const secret of secrets) {
      const headers = {
        'webhook-id': ID,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signature,
      };
      expect(new Webhook(secret).verify('{}', headers)).toEqual({});
    }
  });
});

describe('isSecret', () => {
  it('accepts generated secrets, which are all distinct', () => {
    const secrets = Array.from({ length: 50 }, newSecret);
    expect(secrets.every(isSecret)).toBe(true);
    expect(new Set(secrets).size).toBe(secrets.length);
  });

  const base64 = (bytes: number): string => Buffer.alloc(bytes, 0xfb).toString('base64');
  it.each([
    ['24 bytes', `whsec_${base64(24)}`, true],
    ['64 bytes', `whsec_${base64(64)}`, true],
    ['23 bytes', `whsec_${base64(23)}`, false],
    ['65 bytes', `whsec_${base64(65)}`, false],
    ['no prefix', base64(32), false],
    ['another prefix', `whsk_${base64(32)}`, false],
    ['nothing after the prefix', 'whsec_', false],
    ['base64url', `whsec_${Buffer.alloc(32, 0xfb).toString('base64url')}`, false],
    ['missing padding', `whsec_${base64(32).replace('=', '')}`, false],
    ['a trailing space', `whsec_${base64(32)} `, false],
    ['stray bits before the padding', `whsec_${'A'.repeat(42)}B=`, false],
  ])('checks the format of a secret with %s', (_what, secret, valid) => {
    expect(isSecret(secret)).toBe(valid);
  });
});
