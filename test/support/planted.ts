import { randomBytes } from 'node:crypto';
import { canaryOf, newCanary, type Canary } from './canaries.js';
import { makeCertificates, type Certificates } from './tls.js';

/** Every confidential value of a run. */
export interface Planted {
  adminKey: Canary;
  wrongKey: Canary;
  encryptionKeys: [Canary, Canary, Canary];
  postgresPassword: Canary;
  wrongPassword: Canary;
  proxyPassword: Canary;
  temporalKey: Canary;
  argument: Canary;
  setting: Canary;
  hmacSecret: Canary;
  secondHmacSecret: Canary;
  ed25519Secret: Canary;
  header: Canary;
  changedHeader: Canary;
  password: Canary;
  clientKey: Canary;
  extraSecret: Canary;
  urlToken: Canary;
  urlPassword: Canary;
  sendHeader: Canary;
  payload: Canary;
  testPayload: Canary;
  eventHeader: Canary;
  refused: Canary;
  /** Short: errors of a JSON parser quote ten characters on either side. */
  malformed: Canary;
  redirect: Canary;
  returnToken: Canary;
}

export interface Wallet {
  planted: Planted;
  /** Certificates of the receiver, and of the endpoint as its client. */
  server: Certificates;
  client: Certificates;
}

export async function plant(databaseUrl: string): Promise<Wallet> {
  const [server, client] = await Promise.all([makeCertificates(), makeCertificates('Client Authority')]);
  const printable = (core: string) => `${core}"&\\/=`;
  const planted: Planted = {
    adminKey: newCanary('adminKey', printable),
    wrongKey: newCanary('wrongKey', printable),
    encryptionKeys: [newKey('encryptionKey 1'), newKey('encryptionKey 2'), newKey('encryptionKey 3')],
    postgresPassword: canaryOf('postgresPassword', decodeURIComponent(new URL(databaseUrl).password)),
    wrongPassword: newCanary('wrongPassword'),
    proxyPassword: newCanary('proxyPassword'),
    temporalKey: newCanary('temporalKey', printable),
    argument: newCanary('argument', (core) => core),
    setting: newCanary('setting', (core) => core),
    hmacSecret: secretOf('hmacSecret', 'whsec_'),
    secondHmacSecret: secretOf('secondHmacSecret', 'whsec_'),
    ed25519Secret: secretOf('ed25519Secret', 'whsk_'),
    header: newCanary('header'),
    changedHeader: newCanary('changedHeader'),
    password: newCanary('password'),
    clientKey: keyOf('clientKey', client.valid.key),
    extraSecret: newCanary('extraSecret'),
    urlToken: newCanary('urlToken'),
    urlPassword: newCanary('urlPassword'),
    sendHeader: newCanary('sendHeader'),
    payload: newCanary('payload'),
    testPayload: newCanary('testPayload'),
    eventHeader: newCanary('eventHeader'),
    refused: newCanary('refused', (core) => core),
    malformed: newCanary('malformed', (core) => core, 4),
    redirect: newCanary('redirect', (core) => core),
    returnToken: newCanary('returnToken'),
  };
  return { planted, server, client };
}

function newKey(name: string): Canary {
  const bytes = randomBytes(32);
  return canaryOf(name, bytes.toString('base64'), bytes);
}

function secretOf(name: string, prefix: string, bytes = randomBytes(32)): Canary {
  return canaryOf(name, prefix + bytes.toString('base64'), bytes);
}

/** A signing secret as the API gave it. */
export const generatedSecret = (name: string, secret: string): Canary =>
  canaryOf(name, secret, Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));

/** The code or the token of a portal session, behind a prefix. */
export const portalSecret = (name: string, text: string): Canary =>
  canaryOf(name, text, Buffer.from(text.slice(text.indexOf('_') + 1), 'base64url'));

/** Escapes break a PEM at its line ends: one line of it, and the secret number in it (RFC 5915). */
function keyOf(name: string, pem: string): Canary {
  const line = pem.split('\n')[1]!;
  const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64');
  return { ...canaryOf(name, line, der.subarray(36, 68)), text: pem };
}
