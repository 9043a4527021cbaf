import { Router, type Request, type Response } from 'express';
import { afterCommit } from '../../db/after-commit.js';
import { deleteTenant, getTenant, insertTenant, listTenants, updateTenant } from '../../db/tenants.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { headerKey } from '../idempotency-key.js';
import { readJson } from '../json-body.js';
import { createOnce, replayed, requestKey } from '../once.js';
import { notFound, Problem } from '../problem.js';
import { tenant } from '../schemas.js';
import { tenantBody, tenantPatch, tenantsQuery } from '../tenant-schemas.js';

type ById = Request<{ id: string }>;

/** A tenant is made by its first use; here it gets a name and quotas. */
export function tenantRoutes({ pool, authorize }: AppDeps): Router {
  const router = Router();
  router.param('id', (_request, _response, next, id: string) => {
    // Postgres rejects NUL, for example.
    if (!tenant.safeParse(id).success) throw notFound('tenant', JSON.stringify(id));
    next();
  });

  router.post('/tenants', authorize('admin'), async (request, response) => {
    const { value } = readJson(request);
    const { id, ...settings } = tenantBody.parse(value);
    const key = requestKey(headerKey(request), { tenant: id, route: 'tenants', about: value });
    const result = await createOnce(
      pool,
      key,
      (db) => insertTenant(db, id, settings, actorOf(response)),
      (made) => (made ? id : null),
    );
    if ('knownId' in result) return answerKnown(response, result.knownId);
    if (result.made) return void response.status(201).json(await committed(id));
    const message =
      'There is this tenant already: its first event or endpoint makes it. Change it with PATCH.';
    throw new Problem(409, 'tenant_exists', message, [{ path: 'id', message }]);
  });

  /** Read after the commit: until then, events of the tenant wait. */
  async function committed(id: string) {
    const stored = await afterCommit(getTenant(pool, id));
    if (!stored) throw notFound('tenant', id);
    return stored;
  }

  async function answerKnown(response: Response, id: string) {
    const known = await afterCommit(getTenant(pool, id));
    if (known) return void replayed(response).json(known);
    const message = `The tenant ${id} was made with this key and has been deleted since. Use another key.`;
    throw new Problem(409, 'idempotency_conflict', message, [{ path: 'Idempotency-Key', message }]);
  }

  router.get('/tenants', authorize('viewer'), async (request, response) => {
    const { limit, cursor = null } = tenantsQuery.parse(request.query);
    const { data, more } = await listTenants(pool, { limit, after: cursor });
    const next_cursor = more ? Buffer.from(data.at(-1)!.id).toString('base64url') : null;
    response.json({ data, next_cursor });
  });

  router.get('/tenants/:id', authorize('viewer'), async (request: ById, response) => {
    const known = await getTenant(pool, request.params.id);
    if (!known) throw notFound('tenant', request.params.id);
    response.json(known);
  });

  router.patch('/tenants/:id', authorize('admin'), async (request: ById, response) => {
    const { value } = readJson(request);
    const { id } = request.params;
    const changed = await updateTenant(pool, id, tenantPatch.parse(value), actorOf(response));
    if (!changed) throw notFound('tenant', id);
    response.json(await committed(id));
  });

  router.delete('/tenants/:id', authorize('admin'), async (request: ById, response) => {
    const { id } = request.params;
    const result = await deleteTenant(pool, id, actorOf(response));
    if (result === null) throw notFound('tenant', id);
    if (result === 'in_use') {
      const message =
        'It has endpoints or open deliveries: delete its endpoints first, which ends their deliveries.';
      throw new Problem(409, 'tenant_in_use', message);
    }
    response.status(204).end();
  });

  return router;
}
