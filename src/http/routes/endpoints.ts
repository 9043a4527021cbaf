import { Router, type Request } from 'express';
import {
  deleteEndpoint,
  getEndpoint,
  insertEndpoint,
  listEndpoints,
  updateEndpoint,
  type StoredEndpoint,
} from '../../db/endpoints.js';
import { audit } from '../../db/audit.js';
import { listSealedSecrets, type SealedSecret } from '../../db/endpoint-secrets.js';
import { endDeliveriesOf } from '../../db/open-deliveries/index.js';
import type { Db } from '../../db/pool.js';
import { aboutSealed, ENDPOINT_SECRET } from '../../db/sealed-columns.js';
import { requireEndpointRoom } from '../../db/tenants.js';
import { newId } from '../../lib/ids.js';
import { afterCommit } from '../../db/after-commit.js';
import { notFound, Problem } from '../problem.js';
import { newSecret } from '../../webhook/sign.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { answeredBefore, createOnce, replayed, requestKey } from '../once.js';
import { requireIdParam } from '../id-param.js';
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

  const open = ({ id, sealed }: SealedSecret) => secrets.open(sealed, aboutSealed(ENDPOINT_SECRET, id));

  /** Rebuilds the answer of an earlier request from its endpoint: the secret is kept nowhere else. */
  const again = async (id: string) => {
    const [endpoint, [newest]] = await Promise.all([getEndpoint(pool, id), listSealedSecrets(pool, id)]);
    if (endpoint && newest) return { ...endpoint, secret: open(newest) };
    const message = `The endpoint ${id} was made with this key and has been deleted since. Use another key.`;
    throw new Problem(409, 'idempotency_conflict', message, [{ path: 'Idempotency-Key', message }]);
  };

  router.post('/endpoints', authorize('admin'), async (request, response) => {
    const { value } = readJson(request);
    const { secret = newSecret(), ...body } = endpointBody.parse(value);
    const key = requestKey(headerKey(request), { tenant: body.tenant, route: 'endpoints', about: value });
    const before = await answeredBefore(pool, key);
    if (before !== null) return void replayed(response).json(await afterCommit(again(before)));
    await assertPublicUrl(deps.guard, body.url, body.tenant);
    const secretId = newId('sec');
    const sealedSecret = secrets.seal(secret, aboutSealed(ENDPOINT_SECRET, secretId));
    const made = async (db: Db) => {
      await requireEndpointRoom(db, body.tenant, deps.quotas.maxEndpoints);
      return insertEndpoint(db, { ...body, secretId, sealedSecret, adHocKey: null }, actorOf(response));
    };
    const result = await createOnce(pool, key, made, ({ id }) => id);
    if ('knownId' in result) replayed(response).json(await afterCommit(again(result.knownId)));
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

  router.get('/endpoints/:id/secret', authorize('admin'), async (request: ById, response) => {
    const { id } = request.params;
    const endpoint = await getEndpoint(pool, id);
    const [newest] = endpoint ? await listSealedSecrets(pool, id) : [];
    if (!endpoint || !newest) throw notFound('endpoint', id);
    const secret = open(newest);
    const { tenant } = endpoint;
    await audit(pool, { actor: actorOf(response), action: 'endpoint.read_secret', object: id, tenant });
    response.json({ secret });
  });

  router.patch('/endpoints/:id', authorize('admin'), async (request: ById, response) => {
    const { enabled, ...settings } = endpointPatch.parse(readJson(request).value);
    if (settings.url !== undefined) {
      const known = await getEndpoint(pool, request.params.id);
      if (!known) throw notFound('endpoint', request.params.id);
      await assertPublicUrl(deps.guard, settings.url, known.tenant);
    }
    const status =
      enabled === undefined ? {} : { status: enabled ? ('enabled' as const) : ('disabled' as const) };
    const by = { actor: actorOf(response), action: 'endpoint.update' };
    response.json(
      found(
        await updateEndpoint(
          pool,
          request.params.id,
          { ...given(settings), ...status },
          by,
          deps.quotas.maxEndpoints,
        ),
        request,
      ),
    );
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

/** Drops the fields that were not given: a patch leaves them as they are. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
