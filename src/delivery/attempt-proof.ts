import type { UnrecordedAttempt } from '../../workflows/contract.js';
import type { Attempt } from '../domain/delivery.js';
import type { SecretCipher } from '../lib/secret-cipher.js';

/**
 * An attempt that Postgres did not take travels through Temporal, where everybody who reaches it can complete an activity
 * with an attempt that was never made. The proof shows that this installation made it.
 */
export function withProof(
  secrets: Pick<SecretCipher, 'mac'>,
  deliveryId: string,
  made: { claim: number; attempt: Attempt },
): UnrecordedAttempt {
  return { ...made, proof: secrets.mac(textOf(deliveryId, made)) };
}

export function isProven(
  secrets: Pick<SecretCipher, 'isMac'>,
  deliveryId: string,
  { proof, ...made }: UnrecordedAttempt,
): boolean {
  return secrets.isMac(textOf(deliveryId, made), proof);
}

/** Covers every value, so that none can be changed. JSON keeps the order of the keys on the way through Temporal. */
const textOf = (deliveryId: string, { claim, attempt }: { claim: number; attempt: Attempt }) =>
  JSON.stringify([deliveryId, claim, attempt]);
