import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';

export interface KeyAndCert {
  key: string;
  cert: string;
}

export interface Certificates {
  /** PEM certificate of the authority that signed all others except `selfSigned`. */
  ca: string;
  /** Names localhost, 127.0.0.1 and ::1. */
  valid: KeyAndCert;
  expired: KeyAndCert;
  wrongHost: KeyAndCert;
  /** A certificate that ends in the month 99. */
  malformedTime: KeyAndCert;
  selfSigned: KeyAndCert;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
const LOCAL = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
  { type: 'ip', value: '::1' },
] as const;

interface Authority {
  certificate: X509Certificate;
  keys: webcrypto.CryptoKeyPair;
}

export async function makeCertificates(authorityName = 'Test Authority'): Promise<Certificates> {
  cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0]);
  const authority = await makeAuthority(authorityName);
  const self = await makeAuthority('localhost');
  return {
    ca: authority.certificate.toString('pem'),
    valid: await issue(authority, {}),
    expired: await issue(authority, { from: -10 * DAY_MS, to: -DAY_MS }),
    malformedTime: withMalformedEnd(await issue(authority, {})),
    wrongHost: await issue(authority, { names: [{ type: 'dns', value: 'elsewhere.example' }] }),
    selfSigned: { key: await keyPem(self.keys), cert: self.certificate.toString('pem') },
  };
}

async function makeAuthority(name: string): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - 20 * DAY_MS),
    notAfter: new Date(Date.now() + 20 * DAY_MS),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new SubjectAlternativeNameExtension([...LOCAL]),
    ],
  });
  return { certificate, keys };
}

interface IssueOptions {
  from?: number;
  to?: number;
  names?: { type: 'dns' | 'ip'; value: string }[];
}

async function issue(authority: Authority, options: IssueOptions): Promise<KeyAndCert> {
  const { from = -DAY_MS, to = DAY_MS, names = [...LOCAL] } = options;
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=receiver',
    issuer: authority.certificate.subject,
    signingKey: authority.keys.privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() + from),
    notAfter: new Date(Date.now() + to),
    extensions: [new SubjectAlternativeNameExtension(names)],
  });
  return { key: await keyPem(keys), cert: certificate.toString('pem') };
}

/** The second UTCTime of a certificate (RFC 5280 section 4.1) is its end; the signature is wrong after this. */
function withMalformedEnd({ key, cert }: KeyAndCert): KeyAndCert {
  const der = Buffer.from(cert.replace(/-----.*-----|\s/g, ''), 'base64');
  const utcTime = Buffer.of(0x17, 0x0d);
  const end = der.indexOf(utcTime, der.indexOf(utcTime) + 1);
  der.write('99', end + utcTime.length + 2, 'latin1');
  const base64 = der.toString('base64').replace(/.{64}/g, '$&\n');
  return { key, cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n` };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function keyPem({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`;
}
