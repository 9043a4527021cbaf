import { setTimeout } from 'node:timers/promises';
import { afterCommit } from '../../db/after-commit.js';
import { listLiveSecrets, readSecrets, rotateSecret, type StoredSecret } from '../../db/endpoint-secrets.js';
import { getEndpoint, type StoredEndpoint } from '../../db/endpoints.js';
import type { Db } from '../../db/pool.js';
import { openSecret } from '../../delivery/endpoint-vault.js';
import { CURRENT_MS } from '../../delivery/kill-switch.js';
import { MAX_LIVE_SECRETS } from '../../domain/endpoint.js';
import type { SecretCipher } from '../../lib/secret-cipher.js';
import { kindOf, publicKeyOf } from '../../webhook/sign.js';
import { answer, replayed } from '../answer.js';
import { endpointSecrets } from '../answers/endpoints.js';
import { secretOf } from '../endpoint-input.js';
import { foundEndpoint } from '../found-endpoint.js';
import { confidentialKey, createOnce } from '../once.js';
import { badField, notFound, Problem } from '../problem.js';
import { idParam, route } from '../route.js';
import { rotateBody, signatureOf } from '../secret-schemas.js';

const tag = 'Endpoints';
const role = 'admin';
const params = { id: idParam('ep', 'endpoint') };

const get = route('GET /v1/endpoints/{id}/secret', {
  operationId: 'getEndpointSecret',
  tag,
  role,
  portal: 'endpoints',
  summary: 'Get the secrets that the requests of an endpoint are signed with',
  description: 'The audit shows who read them.',
  params,
  responses: { 200: { description: 'The secrets.', schema: endpointSecrets } },
  problems: ['secret_unreadable'],
  async handle({ params: { id }, actor }, { pool, secrets }) {
    return answer(200, shown(secrets, id, await readSecrets(pool, id, actor)));
  },
});

const rotate = route('POST /v1/endpoints/{id}/rotate-secret', {
  operationId: 'rotateEndpointSecret',
  tag,
  role,
  portal: 'endpoints',
  summary: 'Sign with a new secret',
  description: 'Secrets before it sign for `overlap_seconds` more: a day, unless another time is given.',
  params,
  idempotent: true,
  body: rotateBody,
  optionalBody: true,
  example: { overlap_seconds: 3_600 },
  responses: { 200: { description: 'The secrets.', schema: endpointSecrets } },
  problems: [
    'extra_signature_needs_secret',
    'too_many_secrets',
    'encryption_key_unknown',
    'secret_unreadable',
  ],
  async handle({ params: { id }, body, raw, key: given, actor }, { pool, secrets, keyedDigest }) {
    const { overlap_seconds: overlapSeconds, ...wanted } = body;
    const { tenant } = foundEndpoint(await getEndpoint(pool, id), id);
    const of = { tenant, route: 'rotate-secret', about: [id, raw.value] };
    const key = await confidentialKey(keyedDigest, given, of);
    const by = { actor, action: 'endpoint.rotate_secret' };
    const secretFor = (locked: StoredEndpoint) => {
      const signature = signatureOf(wanted, locked.signature);
      if (signature === 'ed25519' && locked.extra_signature?.secret === null) {
        const message = 'Is not possible while extra_signature uses the secret: give that one of its own.';
        throw badField('signature', message, 409, 'extra_signature_needs_secret');
      }
      return secretOf(secrets, { ...wanted, signature }).stored;
    };
    const make = async (db: Db) => {
      const rotated = await rotateSecret(db, id, { secretFor, overlapSeconds }, by);
      if (rotated === null) throw notFound('endpoint', id);
      if (rotated === 'full') {
        const message = `${MAX_LIVE_SECRETS} secrets sign already: wait for an end, or set overlap_seconds to 0.`;
        throw new Problem(409, 'too_many_secrets', message);
      }
      return rotated;
    };
    const result = await createOnce(pool, key, make, (rotated) => rotated.secretId);
    if ('knownId' in result)
      return replayed(shown(secrets, id, await afterCommit(readSecrets(pool, id, actor))));
    // From the answer on, no process signs with the others any more.
    if (overlapSeconds === 0) await setTimeout(CURRENT_MS);
    return answer(200, shown(secrets, id, await afterCommit(listLiveSecrets(pool, id))));
  },
});

export const endpointSecretRoutes = [get, rotate];

/** The newest secret, and all that sign. Throws a 404 Problem where there is none. */
function shown(cipher: SecretCipher, id: string, live: StoredSecret[]) {
  const secrets = live.map((stored) => {
    const secret = openSecret(cipher, stored);
    const { created_at, expires_at } = stored;
    return { secret, signature: kindOf(secret)!, public_key: publicKeyOf(secret), created_at, expires_at };
  });
  const [newest] = secrets;
  if (!newest) throw notFound('endpoint', id);
  const { secret, signature, public_key } = newest;
  return { secret, signature, public_key, secrets };
}
