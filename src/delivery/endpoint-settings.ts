import { MASK, type ExtraSignature, type Signature, type WireSettings } from '../domain/endpoint.js';
import type { Confidential } from './endpoint-vault.js';

/** Settings with their confidential values, as a request gives them. */
export interface GivenSettings {
  headers?: Record<string, string> | undefined;
  basic_auth?: { username: string; password: string } | null | undefined;
  client_certificate?: { certificate: string; private_key: string } | null | undefined;
  /** `secret`: absent keeps the stored one, null means the endpoint's newest secret. */
  extra_signature?: (ExtraSignature & { secret?: string | null | undefined }) | null | undefined;
}

/** Whether any of the given settings has a confidential value. */
export const hasConfidential = (given: GivenSettings): boolean =>
  [given.headers, given.basic_auth, given.client_certificate, given.extra_signature].some(
    (setting) => setting !== undefined,
  );

type Masked = Partial<
  Pick<WireSettings, 'headers' | 'basic_auth' | 'client_certificate' | 'extra_signature'>
>;

/** Parts the given settings into what is shown, with masks, and all confidential values; those not given stay. */
export function partSettings(
  given: GivenSettings,
  before: Confidential,
): { shown: Masked; confidential: Confidential } {
  const { headers, basic_auth, client_certificate, extra_signature } = given;
  const shown: Masked = {};
  const confidential = { ...before };
  if (headers) {
    shown.headers = Object.fromEntries(Object.keys(headers).map((name) => [name, MASK]));
    confidential.headers = headers;
  }
  if (basic_auth !== undefined) {
    shown.basic_auth = basic_auth && { username: basic_auth.username, password: MASK };
    confidential.password = basic_auth && basic_auth.password;
  }
  if (client_certificate !== undefined) {
    shown.client_certificate = client_certificate && { ...client_certificate, private_key: MASK };
    confidential.private_key = client_certificate && client_certificate.private_key;
  }
  if (extra_signature !== undefined) {
    const { secret = before.extra_secret } = extra_signature ?? { secret: null };
    shown.extra_signature = extra_signature && { ...extra_signature, secret: secret === null ? null : MASK };
    confidential.extra_secret = secret;
  }
  return { shown, confidential };
}

type Combined = Omit<WireSettings, 'metadata' | 'retry_schedule' | 'permanent_statuses'> & {
  url: string;
  content_type: string | null;
  signature: Signature;
};

/** Why an endpoint cannot have these settings together, with the field to change; null: it can. */
export function conflictOf(endpoint: Combined): { path: string; message: string } | null {
  const { headers, basic_auth, extra_signature } = endpoint;
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  if (basic_auth && names.includes('authorization'))
    return {
      path: 'basic_auth',
      message: 'Sets the header authorization, which headers sets, too: use one of them.',
    };
  const extra = extra_signature?.header.toLowerCase();
  if (extra !== undefined && (names.includes(extra) || (basic_auth && extra === 'authorization')))
    return { path: 'extra_signature.header', message: `The header ${extra} is set by another setting, too.` };
  if (extra_signature?.secret === null && endpoint.signature === 'ed25519')
    return {
      path: 'extra_signature.secret',
      message: 'Is required: with ed25519 the endpoint has no secret that its receiver knows.',
    };
  if (endpoint.body === 'envelope' && endpoint.content_type !== null)
    return {
      path: 'content_type',
      message: 'An envelope is always application/json: leave it out, or null.',
    };
  const tls = endpoint.client_certificate ? 'client_certificate' : endpoint.ca ? 'ca' : null;
  if (tls && !endpoint.url.toLowerCase().startsWith('https:'))
    return { path: tls, message: 'Is for https only: the URL begins with http://.' };
  return null;
}
