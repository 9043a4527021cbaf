import { Router, type Request } from 'express';
import { readSecrets } from '../../db/endpoint-secrets.js';
import {
  deleteEndpoint,
  getEndpoint,
  listEndpoints,
  updateEndpoint,
  type LockedEndpoint,
  type StoredEndpoint,
} from '../../db/endpoints.js';
import { IdTakenError, insertEndpoint } from '../../db/new-endpoint.js';
import { endDeliveriesOf } from '../../db/open-deliveries/index.js';
import type { Db } from '../../db/pool.js';
import { requireEndpointRoom } from '../../db/tenants.js';
import { afterCommit } from '../../db/after-commit.js';
import type { Actor } from '../../db/audit.js';
import { openSecret } from '../../delivery/endpoint-vault.js';
import { badField, notFound, Problem } from '../problem.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { changesOf, newEndpoint } from '../endpoint-input.js';
import { answeredBefore, confidentialKey, createOnce, replayed } from '../once.js';
import { requireIdParam } from '../id-param.js';
import { refuseArchived } from '../event-type-rules.js';
import { assertPublicUrl } from '../assert-public-url.js';
import { readJson, readOptionalJson } from '../json-body.js';
import { endpointBody, endpointPatch, endpointsQuery, pageQuery, reasonBody } from '../schemas.js';
import { headerKey } from '../idempotency-key.js';

type ById = Request<{ id: string }>;

/** A deletion ends open deliveries in pages for this long; the poller ends the others. */
const MAX_END_MS = 2_000;
const END_PAGE = 2_000;

export function endpointRoutes(deps: AppDeps): Router {
  const router = Router();
  router.param('id', requireIdParam('ep', 'endpoint'));
  const { pool, authorize, secrets } = deps;

  /** Rebuilds the answer of an earlier request from its endpoint: the secret is kept nowhere else. */
  const again = async (id: string, actor: Actor) => {
    const endpoint = await getEndpoint(pool, id);
    const [newest] = await readSecrets(pool, id, actor);
    if (endpoint && newest) return { ...endpoint, secret: openSecret(secrets, newest) };
    const message = `The endpoint ${id} was made with this key and has been deleted since. Use another key.`;
    throw new Problem(409, 'idempotency_conflict', message, [{ path: 'Idempotency-Key', message }]);
  };

  router.post('/endpoints', authorize('admin'), async (request, response) => {
    const { value } = readJson(request);
    const body = endpointBody.parse(value);
    const of = { tenant: body.tenant, route: 'endpoints', about: value };
    const key = await confidentialKey(deps.keyedDigest, headerKey(request), of);
    const actor = actorOf(response);
    const before = await answeredBefore(pool, key);
    if (before !== null) return void replayed(response).json(await afterCommit(again(before, actor)));
    const { secret, input } = newEndpoint(secrets, body);
    await assertPublicUrl(deps.guard, body.url, body.tenant);
    await refuseArchived(pool, body.event_types);
    const made = async (db: Db) => {
      await requireEndpointRoom(db, body.tenant, deps.quotas.maxEndpoints);
      return insertEndpoint(db, input, actor).catch(refuseTakenId);
    };
    const result = await createOnce(pool, key, made, ({ id }) => id);
    if ('knownId' in result) replayed(response).json(await afterCommit(again(result.knownId, actor)));
    else response.status(201).json({ ...result.made, secret });
  });

  router.get('/endpoints', authorize('viewer'), async (request, response) => {
    const { page, filter } = pageQuery(endpointsQuery.parse(request.query), 'ep');
    response.json(await listEndpoints(pool, filter, page));
  });

  router.get('/endpoints/:id', authorize('viewer'), async (request: ById, response) => {
    const endpoint = await getEndpoint(pool, request.params.id);
    if (!endpoint) throw notFound('endpoint', request.params.id);
    response.json(endpoint);
  });

  router.patch('/endpoints/:id', authorize('admin'), async (request: ById, response) => {
    const patch = endpointPatch.parse(readJson(request).value);
    const { url, event_types } = patch;
    if (url !== undefined || event_types !== undefined) {
      const known = await getEndpoint(pool, request.params.id);
      if (!known) throw notFound('endpoint', request.params.id);
      if (url !== undefined) await assertPublicUrl(deps.guard, url, known.tenant);
      if (event_types) await refuseArchived(pool, event_types, known.event_types);
    }
    const by = { actor: actorOf(response), action: 'endpoint.update' };
    const { maxEndpoints } = deps.quotas;
    const changes = (now: LockedEndpoint) => changesOf(secrets, patch, now);
    const changed = updateEndpoint(pool, request.params.id, changes, by, maxEndpoints);
    response.json(found(await changed, request));
  });

  // Both use one status field: `paused` is for a while, `disabled` until somebody decides otherwise.
  for (const [verb, status] of [
    ['pause', 'paused'],
    ['resume', 'enabled'],
    ['enable', 'enabled'],
    ['disable', 'disabled'],
  ] as const) {
    router.post(`/endpoints/:id/${verb}`, authorize('operator'), async (request: ById, response) => {
      const { reason = null } = reasonBody.parse(readOptionalJson(request));
      const by = { actor: actorOf(response), action: `endpoint.${verb}`, reason };
      response.json(found(await updateEndpoint(pool, request.params.id, { status }, by), request));
    });
  }

  router.delete('/endpoints/:id', authorize('admin'), async (request: ById, response) => {
    const by = { actor: actorOf(response), action: 'endpoint.delete' };
    const { id } = request.params;
    if (!(await deleteEndpoint(pool, id, by))) throw notFound('endpoint', id);
    try {
      const until = performance.now() + MAX_END_MS;
      while (performance.now() < until && (await endDeliveriesOf(pool, id, END_PAGE)) === END_PAGE);
    } catch (error) {
      deps.log.warn({ err: error, endpoint_id: id }, 'deliveries of a deleted endpoint left to the poller');
    }
    response.status(204).end();
  });

  return router;
}

function found(result: StoredEndpoint | 'disabled' | null, request: ById): StoredEndpoint {
  if (result === null) throw notFound('endpoint', request.params.id);
  if (result !== 'disabled') return result;
  throw new Problem(409, 'endpoint_disabled', 'A disabled endpoint takes nothing already; enable it first.');
}

function refuseTakenId(error: unknown): never {
  if (!(error instanceof IdTakenError)) throw error;
  throw badField('id', 'Belongs to another endpoint, or to one that has been deleted.', 409, 'id_taken');
}
