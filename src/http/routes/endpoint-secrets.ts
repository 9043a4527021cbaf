import { setTimeout } from 'node:timers/promises';
import { Router, type Request } from 'express';
import { afterCommit } from '../../db/after-commit.js';
import { listLiveSecrets, readSecrets, rotateSecret, type StoredSecret } from '../../db/endpoint-secrets.js';
import { getEndpoint, type StoredEndpoint } from '../../db/endpoints.js';
import type { Db } from '../../db/pool.js';
import { openSecret } from '../../delivery/endpoint-vault.js';
import { CURRENT_MS } from '../../delivery/kill-switch.js';
import { MAX_LIVE_SECRETS } from '../../domain/endpoint.js';
import { kindOf, publicKeyOf } from '../../webhook/sign.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { secretOf } from '../endpoint-input.js';
import { requireIdParam } from '../id-param.js';
import { headerKey } from '../idempotency-key.js';
import { readOptionalJson } from '../json-body.js';
import { confidentialKey, createOnce, replayed } from '../once.js';
import { badField, notFound, Problem } from '../problem.js';
import { rotateBody, signatureOf } from '../secret-schemas.js';

type ById = Request<{ id: string }>;

/** Reading and rotating the secrets that an endpoint's requests are signed with. */
export function endpointSecretRoutes(deps: AppDeps): Router {
  const router = Router();
  router.param('id', requireIdParam('ep', 'endpoint'));
  const { pool, authorize, secrets: cipher } = deps;

  /** The newest secret, and all that sign. */
  const answerOf = (id: string, live: StoredSecret[]) => {
    const secrets = live.map((stored) => {
      const secret = openSecret(cipher, stored);
      const { created_at, expires_at } = stored;
      return { secret, signature: kindOf(secret), public_key: publicKeyOf(secret), created_at, expires_at };
    });
    const [newest] = secrets;
    if (!newest) throw notFound('endpoint', id);
    const { secret, signature, public_key } = newest;
    return { secret, signature, public_key, secrets };
  };

  router.get('/endpoints/:id/secret', authorize('admin'), async (request: ById, response) => {
    const { id } = request.params;
    response.json(answerOf(id, await readSecrets(pool, id, actorOf(response))));
  });

  router.post('/endpoints/:id/rotate-secret', authorize('admin'), async (request: ById, response) => {
    const { id } = request.params;
    const value = readOptionalJson(request);
    const { overlap_seconds: overlapSeconds, ...body } = rotateBody.parse(value);
    const endpoint = await getEndpoint(pool, id);
    if (!endpoint) throw notFound('endpoint', id);
    const { tenant } = endpoint;
    const of = { tenant, route: 'rotate-secret', about: [id, value] };
    const key = await confidentialKey(deps.keyedDigest, headerKey(request), of);
    const by = { actor: actorOf(response), action: 'endpoint.rotate_secret' };
    const secretFor = (locked: StoredEndpoint) => {
      const signature = signatureOf(body, locked.signature);
      if (signature === 'ed25519' && locked.extra_signature?.secret === null) {
        const message = 'Is not possible while extra_signature uses the secret: give that one of its own.';
        throw badField('signature', message, 409, 'extra_signature_needs_secret');
      }
      return secretOf(cipher, { ...body, signature }).stored;
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
    if ('knownId' in result) {
      const live = await afterCommit(readSecrets(pool, id, by.actor));
      return void replayed(response).json(answerOf(id, live));
    }
    // From the answer on, no process signs with the others any more.
    if (overlapSeconds === 0) await setTimeout(CURRENT_MS);
    response.json(answerOf(id, await afterCommit(listLiveSecrets(pool, id))));
  });

  return router;
}
