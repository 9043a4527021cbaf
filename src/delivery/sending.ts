import { createHmac } from 'node:crypto';
import { credentialForms, credentialsInUrl } from '../domain/redact.js';
import type { EndpointTarget, SentEndpoint } from '../db/endpoint-targets.js';
import type { SecretCipher } from '../lib/secret-cipher.js';
import { sign, signerOf, type Sign } from '../webhook/sign.js';
import { tlsIdentity, type TlsIdentity } from '../webhook/tls-identity.js';
import { openSecret, openSettings, type Confidential } from './endpoint-vault.js';

/** An endpoint's settings as requests use them: keys parsed and values opened once for each version of the endpoint. */
export interface Sending {
  /** Own headers, with lower-case names. */
  headers: Record<string, string>;
  /** Names of headers whose values are never shown. */
  hidden: string[];
  /** Values that are not shown where the receiver repeats them, in all forms. */
  credentials: string[];
  /** The value of `webhook-signature`, by the secrets that are live now. */
  sign(id: string, timestamp: number, body: string): string;
  /** The second signature, as a header; null: none is set. */
  extra: { header: string; sign: Sign } | null;
  tls: TlsIdentity | null;
}

export type ReadSending = (target: EndpointTarget) => Sending;

/** Throws where a secret cannot be opened. */
export function createReadSending(cipher: Pick<SecretCipher, 'seal' | 'open'>): ReadSending {
  /** By the object that was loaded: a changed endpoint is a new object. */
  const known = new WeakMap<SentEndpoint, Sending>();
  return (target) => {
    const found = known.get(target.endpoint);
    if (found) return found;
    const settings = openSettings(cipher, target.endpoint.id, target.sealed_settings);
    const secrets = target.secrets.map((sealed) => openSecret(cipher, sealed));
    const sending = sendingOf(target, settings, secrets);
    known.set(target.endpoint, sending);
    return sending;
  };
}

function sendingOf(target: EndpointTarget, settings: Confidential, secrets: string[]): Sending {
  const { basic_auth, client_certificate, ca, extra_signature } = target.endpoint;
  const headers = Object.fromEntries(
    // Values without a mask were stored before values were sealed.
    Object.entries({ ...target.endpoint.headers, ...settings.headers }).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ]),
  );
  const { password, extra_secret } = settings;
  // Secrets are not sent, but a receiver that knows them may name them in an error.
  const credentials = [...Object.values(headers), ...credentialsInUrl(target.endpoint.url), ...secrets];
  for (const own of [password, extra_secret]) if (own !== null) credentials.push(own);
  if (basic_auth) {
    headers.authorization = `Basic ${base64(`${basic_auth.username}:${settings.password}`)}`;
    credentials.push(headers.authorization.slice('Basic '.length));
  }
  const hidden = Object.keys(headers);
  const extraSecret = settings.extra_secret ?? secrets[0];
  const extra =
    extra_signature && extraSecret !== undefined
      ? { header: extra_signature.header.toLowerCase(), sign: extraSigner(extra_signature, extraSecret) }
      : null;
  if (extra) hidden.push(extra.header);
  return {
    headers,
    hidden,
    credentials: credentialForms(credentials),
    sign: signAll(secrets.map((secret, i) => ({ sign: signerOf(secret), until: target.secrets[i]!.until }))),
    extra,
    tls: tlsIdentity({
      ca,
      certificate: client_certificate && client_certificate.certificate,
      privateKey: settings.private_key,
    }),
  };
}

function signAll(signers: { sign: Sign; until: number }[]): Sending['sign'] {
  const all = signers.map((signer) => signer.sign);
  const firstEnd = Math.min(...signers.map(({ until }) => until));
  return (id, timestamp, body) => {
    const now = performance.now();
    const live = now < firstEnd ? all : signers.flatMap(({ sign, until }) => (now < until ? [sign] : []));
    return sign(live, id, timestamp, body);
  };
}

/** As GitHub does it: the key is the text of the secret, and only the body is signed. */
function extraSigner(
  { prefix, encoding }: { prefix: string; encoding: 'hex' | 'base64' },
  secret: string,
): Sign {
  return (body) => prefix + createHmac('sha256', secret).update(body, 'utf8').digest(encoding);
}

const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
