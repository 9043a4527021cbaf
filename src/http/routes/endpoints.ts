import { Router, type Request } from 'express';
import { listHeld } from '../../db/deliveries.js';
import {
  deleteEndpoint,
  getEndpoint,
  insertEndpoint,
  listEndpoints,
  listSealedSecrets,
  updateEndpoint,
} from '../../db/endpoints.js';
import { notFound } from '../../errors.js';
import { newSecret } from '../../webhook/sign.js';
import type { AppDeps } from '../app.js';
import { onlyIds } from '../only-ids.js';
import { refuseForbidden } from '../refuse-forbidden.js';
import { readJson } from '../body.js';
import { endpointBody, endpointPatch, endpointsQuery, pageQuery } from '../schemas.js';

type ById = Request<{ id: string }>;

export function endpointRoutes(deps: AppDeps): Router {
  const router = Router();
  router.param('id', onlyIds('ep', 'endpoint'));
  const { pool, authorize, secrets } = deps;

  router.post('/endpoints', authorize('admin'), async (request, response) => {
    const { secret = newSecret(), ...body } = endpointBody.parse(readJson(request).value);
    await refuseForbidden(deps.guard, body.url);
    const endpoint = await insertEndpoint(pool, {
      ...body,
      sealedSecret: secrets.seal(secret),
      adHocKey: null,
    });
    response.status(201).json({ ...endpoint, secret });
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

  router.get('/endpoints/:id/secret', authorize('admin'), async (request: ById, response) => {
    const [newest] = (await getEndpoint(pool, request.params.id))
      ? await listSealedSecrets(pool, request.params.id)
      : [];
    if (!newest) throw notFound('endpoint', request.params.id);
    response.json({ secret: secrets.open(newest) });
  });

  router.patch('/endpoints/:id', authorize('admin'), async (request: ById, response) => {
    const changes = endpointPatch.parse(readJson(request).value);
    if (changes.url !== undefined) await refuseForbidden(deps.guard, changes.url);
    const endpoint = await updateEndpoint(pool, request.params.id, changes);
    if (!endpoint) throw notFound('endpoint', request.params.id);
    if (changes.enabled) void releaseHeld(deps, endpoint.id);
    response.json(endpoint);
  });

  router.delete('/endpoints/:id', authorize('admin'), async (request: ById, response) => {
    if (!(await deleteEndpoint(pool, request.params.id))) throw notFound('endpoint', request.params.id);
    // Held deliveries wait for nothing any more: told to go on, they end as ENDPOINT_DELETED.
    void releaseHeld(deps, request.params.id);
    response.status(204).end();
  });

  return router;
}

/** Tells the workflows of held deliveries to go on, oldest first. */
async function releaseHeld(deps: AppDeps, endpointId: string): Promise<void> {
  try {
    let after = '';
    for (;;) {
      const held = await listHeld(deps.pool, endpointId, after, 100);
      for (const { id, workflow_id } of held) await deps.resume(workflow_id, [id]);
      if (held.length < 100) return;
      after = held.at(-1)!.id;
    }
  } catch (error) {
    deps.log.warn({ err: error, endpoint_id: endpointId }, 'held deliveries not all released');
  }
}
