import type { z } from 'zod';
import type { NewSecret } from '../db/endpoint-secrets.js';
import type { EndpointChanges, LockedEndpoint } from '../db/update-endpoint.js';
import type { NewEndpoint } from '../db/new-endpoint.js';
import { conflictOf, hasConfidential, partSettings } from '../delivery/endpoint-settings.js';
import { NOTHING, openSettings, sealSecret, sealSettings } from '../delivery/endpoint-vault.js';
import type { Signature } from '../domain/endpoint.js';
import { defined } from '../lib/defined.js';
import { newId } from '../lib/ids.js';
import type { SecretCipher } from '../lib/secret-cipher.js';
import { newSecret, publicKeyOf } from '../webhook/sign.js';
import { badField } from './problem.js';
import type { endpointBody, endpointPatch } from './endpoint-schemas.js';
import { signatureOf } from './secret-schemas.js';

/** A secret that was brought, or a new one of the kind, ready to be stored. */
export function secretOf(
  cipher: SecretCipher,
  { secret: brought, signature }: { secret?: string | undefined; signature: Signature },
): { secret: string; stored: NewSecret } {
  const secret = brought ?? newSecret(signature);
  const id = newId('sec');
  const sealed = sealSecret(cipher, id, secret);
  return { secret, stored: { id, sealed, signature, public_key: publicKeyOf(secret) } };
}

/** Throws a Problem where the settings contradict each other. */
export function newEndpoint(
  cipher: SecretCipher,
  body: z.output<typeof endpointBody> & { tenant: string },
): { secret: string; input: NewEndpoint } {
  const { secret: brought, id = newId('ep'), ...settings } = body;
  const { shown, confidential } = partSettings(settings, NOTHING);
  const { secret, stored } = secretOf(cipher, {
    secret: brought,
    signature: signatureOf(body, 'hmac'),
  });
  const input = {
    ...settings,
    headers: shown.headers!,
    basic_auth: shown.basic_auth!,
    client_certificate: shown.client_certificate!,
    extra_signature: shown.extra_signature!,
    id,
    secret: stored,
    sealed_settings: sealSettings(cipher, id, confidential),
    ad_hoc_key: null,
  };
  refuseConflict({ ...input, signature: stored.signature });
  return { secret, input };
}

/** The changes of a PATCH to an endpoint as it is now. Throws a Problem where the settings contradict each other. */
export function changesOf(
  cipher: SecretCipher,
  patch: z.output<typeof endpointPatch>,
  before: LockedEndpoint,
): EndpointChanges {
  // A patch leaves the fields that were not given as they are.
  const { enabled, ...settings } = defined(patch);
  const changes = settings as EndpointChanges;
  if (hasConfidential(settings)) {
    const known = openSettings(cipher, before.id, before.sealed_settings);
    const { shown, confidential } = partSettings(settings, known);
    Object.assign(changes, shown, { sealed_settings: sealSettings(cipher, before.id, confidential) });
  }
  if (enabled !== undefined) changes.status = enabled ? 'enabled' : 'disabled';
  refuseConflict({ ...before, ...changes });
  return changes;
}

function refuseConflict(endpoint: Parameters<typeof conflictOf>[0]): void {
  const conflict = conflictOf(endpoint);
  if (conflict) throw badField(conflict.path, conflict.message);
}
