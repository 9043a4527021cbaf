import type { AttemptSummary, KeptAttempt } from '../../workflows/contract.js';
import type { Attempt } from '../domain/delivery.js';
import type { SecretCipher } from '../lib/secret-cipher.js';

/**
 * Temporal keeps attempts that Postgres did not take, and believes everybody who reaches it: a result made up with its
 * tools must not make a delivery DELIVERED. So a DELIVERED attempt goes there with a proof that this installation made it.
 */
export function withProof(
  secrets: Pick<SecretCipher, 'mac'>,
  deliveryId: string,
  attempt: Attempt,
): KeptAttempt {
  if (attempt.classification !== 'DELIVERED') return attempt;
  return { ...attempt, proof: proofOf(secrets, deliveryId, attempt) };
}

/** False of a DELIVERED attempt that this installation did not make. */
export function isProven(
  secrets: Pick<SecretCipher, 'mac'>,
  deliveryId: string,
  attempt: AttemptSummary | KeptAttempt,
): boolean {
  return attempt.classification !== 'DELIVERED' || attempt.proof === proofOf(secrets, deliveryId, attempt);
}

function proofOf(
  secrets: Pick<SecretCipher, 'mac'>,
  deliveryId: string,
  { number, started_at }: Pick<Attempt, 'number' | 'started_at'>,
): string {
  return secrets.mac(`${deliveryId} ${number} ${started_at}`);
}
