import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { authoritiesProblem, clientCertificateProblem } from '../../src/webhook/certificates.js';
import { makeCertificates, type Certificates, type KeyAndCert } from '../support/tls.js';

let made: Certificates;
beforeAll(async () => {
  made = await makeCertificates();
});

const problemOf = ({ cert, key }: KeyAndCert) =>
  clientCertificateProblem({ certificate: cert, private_key: key });

describe('clientCertificateProblem', () => {
  it('accepts a certificate with its key, alone, with its authority behind it, and with text around it', () => {
    const { cert, key } = made.valid;
    expect(problemOf({ cert, key })).toBeNull();
    expect(problemOf({ cert: `subject: x\n${cert}\n${made.ca}`, key })).toBeNull();
  });

  it('accepts a key in another PEM form', () => {
    const { cert, key } = made.valid;
    const sec1 = createPrivateKey(key).export({ format: 'pem', type: 'sec1' }).toString();
    expect(sec1).toContain('EC PRIVATE KEY');
    expect(problemOf({ cert, key: sec1 })).toBeNull();
  });

  it('refuses an RSA key that is too large to sign with on the event loop', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4104 });
    const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    expect(problemOf({ cert: made.valid.cert, key })).toEqual({
      field: 'private_key',
      message: 'At most 4096 bits: a larger key is too slow.',
    });
  });

  const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  const encrypted = () =>
    createPrivateKey(made.valid.key)
      .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString();

  it.each([
    ['an expired certificate', () => made.expired, 'certificate', /^Expired on \d{4}-.*Z\.$/],
    ['no PEM', () => ({ ...made.valid, cert: 'abc' }), 'certificate', /Must be PEM/],
    [
      'a certificate without its end',
      () => ({ ...made.valid, cert: `${made.ca}-----BEGIN CERTIFICATE-----\nAAAA` }),
      'certificate',
      /Must be PEM/,
    ],
    [
      'a key before the certificate',
      () => ({ ...made.valid, cert: made.valid.key + made.valid.cert }),
      'certificate',
      /certificates only/,
    ],
    ['a damaged certificate', () => ({ ...made.valid, cert: damaged }), 'certificate', /cannot be read/],
    [
      'a key among the certificates',
      () => ({ ...made.valid, cert: made.valid.cert + made.valid.key }),
      'certificate',
      /certificates only/,
    ],
    [
      'the key of another',
      () => ({ ...made.valid, key: made.wrongHost.key }),
      'private_key',
      /Does not belong/,
    ],
    [
      'a chain in the wrong order',
      () => ({ ...made.valid, cert: made.ca + made.valid.cert }),
      'private_key',
      /must be the first one/,
    ],
    ['no key', () => ({ ...made.valid, key: 'abc' }), 'private_key', /Must be a private key/],
    [
      'a certificate for a key',
      () => ({ ...made.valid, key: made.ca }),
      'private_key',
      /Must be a private key/,
    ],
    ['an encrypted key', () => ({ ...made.valid, key: encrypted() }), 'private_key', /passphrase/],
  ] as const)('refuses %s, and names the field', (_what, given, field, message) => {
    const problem = problemOf(given());
    expect(problem).toMatchObject({ field, message: expect.stringMatching(message) as string });
    expect(problem!.message).not.toContain(given().key.split('\n')[1] ?? 'abc');
  });
});

describe('authoritiesProblem', () => {
  it('accepts a bundle, in which some may have expired', () => {
    expect(authoritiesProblem(made.ca)).toBeNull();
    expect(authoritiesProblem(made.expired.cert + made.ca)).toBeNull();
  });

  it.each([
    ['no PEM', () => 'abc', /Must be PEM/],
    ['nothing but expired ones', () => made.expired.cert, /^Expired on/],
    ['a private key', () => made.ca + made.valid.key, /certificates only/],
  ])('refuses %s', (_what, pem, message) => {
    expect(authoritiesProblem(pem())).toMatch(message);
  });
});
