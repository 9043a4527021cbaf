import { randomBytes } from 'node:crypto';
import { getPublicKeyAsync, signAsync, verifyAsync } from '@noble/ed25519';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { isSecret, kindOf, newSecret, publicKeyOf, sign, signerOf } from '../../src/webhook/sign.js';

const ID = 'evt_0190a0b1c2d37e4f8a9b0c1d2e3f4a5b';
const now = (): number => Math.floor(Date.now() / 1000);

describe('sign', () => {
  it('gives the signature published with the Standard Webhooks libraries', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const signature = sign(
      [signerOf(secret)],
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1614265330,
      '{"test": 2432232314}',
    );
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
          'webhook-signature': sign([signerOf(secret)], ID, timestamp, payload),
        };
        new Webhook(secret).verify(payload, headers, { jsonParse: false });
      }),
    );
  });

  it('signs with every live secret, so that a receiver with only the old one can verify', () => {
    const secrets = [newSecret(), newSecret()];
    const timestamp = now();
    const signature = sign(secrets.map(signerOf), ID, timestamp, '{}');
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

describe('ed25519', () => {
  const bytesOf = (text: string) => Buffer.from(text.replace(/^wh[ps]k_/, ''), 'base64');

  it('produces signatures that an independent library accepts with the published key, for any payload', async () => {
    const secret = newSecret('ed25519');
    const publicKey = bytesOf(publicKeyOf(secret)!);
    const signer = signerOf(secret);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), async (payload) => {
        const signature = sign([signer], ID, 1_700_000_000, payload);
        expect(signature).toMatch(/^v1a,[A-Za-z0-9+/]{86}==$/);
        const signed = Buffer.from(`${ID}.1700000000.${payload}`);
        const bytes = Buffer.from(signature.slice('v1a,'.length), 'base64');
        expect(await verifyAsync(bytes, signed, publicKey)).toBe(true);
        expect(await verifyAsync(bytes, Buffer.concat([signed, Buffer.from('.')]), publicKey)).toBe(false);
      }),
      { numRuns: 25 },
    );
  });

  it('gives the signature and the public key that the independent library makes of the same seed', async () => {
    const seed = randomBytes(32);
    const publicKey = Buffer.from(await getPublicKeyAsync(seed));
    for (const key of [seed, Buffer.concat([seed, publicKey])]) {
      const secret = `whsk_${key.toString('base64')}`;
      expect(kindOf(secret)).toBe('ed25519');
      expect(publicKeyOf(secret)).toBe(`whpk_${publicKey.toString('base64')}`);
      const expected = Buffer.from(await signAsync(Buffer.from(`${ID}.1.{}`), seed)).toString('base64');
      expect(sign([signerOf(secret)], ID, 1, '{}')).toBe(`v1a,${expected}`);
    }
  });

  it('gives the signature that the tests of the Python and Go clients verify', () => {
    const secret = `whsk_${Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64')}`;
    expect(publicKeyOf(secret)).toBe('whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=');
    expect(sign([signerOf(secret)], 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}')).toBe(
      'v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ==',
    );
  });

  it('signs next to HMAC, newest first', () => {
    const signers = [newSecret('ed25519'), newSecret()].map(signerOf);
    expect(sign(signers, ID, 1, '{}')).toMatch(/^v1a,\S+ v1,\S+$/);
  });

  it.each([
    ['another public key behind the seed', `whsk_${Buffer.alloc(64, 7).toString('base64')}`],
    ['31 bytes', `whsk_${Buffer.alloc(31, 7).toString('base64')}`],
    ['a public key', publicKeyOf(newSecret('ed25519'))!],
    ['no canonical base64', `${newSecret('ed25519')} `],
  ])('takes %s for no secret', (_what, secret) => {
    expect(kindOf(secret)).toBeNull();
  });
});

describe('isSecret', () => {
  it('accepts generated secrets, which are all distinct', () => {
    const secrets = Array.from({ length: 50 }, () => newSecret());
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
