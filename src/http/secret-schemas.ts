import { z } from 'zod';
import { SIGNATURES, type Signature } from '../domain/endpoint.js';
import { kindOf } from '../webhook/sign.js';
import { text } from './text-schemas.js';

const MAX_OVERLAP_SECONDS = 7 * 24 * 60 * 60;
const DAY_SECONDS = 24 * 60 * 60;

const FORMS = {
  hmac: 'Must be whsec_ and the base64 of 24 to 64 bytes.',
  ed25519: 'Must be whsk_ and the base64 of a seed of 32 bytes, alone or with its public key.',
} satisfies Record<Signature, string>;

/** A secret that the owner brings; without one, a secret is generated. */
export const secretFields = { secret: text(256).optional(), signature: z.enum(SIGNATURES).optional() };

interface Given {
  secret?: string | undefined;
  signature?: Signature | undefined;
}

/** The kind that is asked for; without `signature`, that of the secret, or `otherwise`. */
export const signatureOf = ({ secret, signature }: Given, otherwise: Signature): Signature =>
  signature ?? (secret === undefined ? otherwise : (kindOf(secret) ?? otherwise));

export function checkSecret(given: Given, context: z.RefinementCtx): void {
  const { secret } = given;
  if (secret === undefined) return;
  const wanted = signatureOf(given, secret.startsWith('whsk_') ? 'ed25519' : 'hmac');
  if (kindOf(secret) === wanted) return;
  context.addIssue({ code: 'custom', path: ['secret'], message: FORMS[wanted] });
}

export const rotateBody = z
  .strictObject({
    ...secretFields,
    overlap_seconds: z
      .int('Must be whole seconds.')
      .min(0, 'At least 0: those before end at once.')
      .max(MAX_OVERLAP_SECONDS, `At most ${MAX_OVERLAP_SECONDS} (7 days).`)
      .default(DAY_SECONDS),
  })
  .superRefine(checkSecret);
