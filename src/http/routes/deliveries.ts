import { Router, type Request } from 'express';
import { getDelivery, listDeliveries, type StoredDelivery } from '../../db/deliveries.js';
import { cancelDelivery } from '../../db/open-deliveries/index.js';
import { cancelOpen } from '../../delivery/cancel-open.js';
import { isOpen, OPEN_STATUSES, type WorkflowMode } from '../../domain/delivery.js';
import { afterCommit } from '../../db/after-commit.js';
import { transaction } from '../../db/pool.js';
import { tenantOf } from '../../db/tenant-of.js';
import { notFound, Problem } from '../problem.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { readJson, readOptionalJson } from '../json-body.js';
import { cancelManyBody } from '../cancel-schemas.js';
import { answeredBefore, replayed, requestKey } from '../once.js';
import { requireIdParam } from '../id-param.js';
import { retryDelivery } from '../retry-delivery.js';
import { deliveriesQuery, pageQuery, reasonBody } from '../schemas.js';
import { headerKey } from '../idempotency-key.js';

type ById = Request<{ id: string }>;

export function deliveryRoutes(deps: AppDeps): Router {
  const { pool, authorize, workflows, workflowMode, log } = deps;
  const router = Router();
  router.param('id', requireIdParam('del', 'delivery'));
  const linked = (stored: StoredDelivery) => {
    const { workflow_started, ...delivery } = stored;
    const isLinked = workflow_started && getsWorkflow(workflowMode, stored);
    return { ...delivery, workflow_url: isLinked ? deps.workflowUrl(delivery.workflow_id) : null };
  };
  const get = async (request: ById) => {
    const delivery = await getDelivery(pool, request.params.id);
    if (!delivery) throw notFound('delivery', request.params.id);
    return delivery;
  };

  router.get('/deliveries', authorize('viewer'), async (request, response) => {
    const { page, filter } = pageQuery(deliveriesQuery.parse(request.query), 'del');
    const { classification, ...rest } = filter;
    const list = await listDeliveries(pool, { ...rest, last_classification: classification }, page);
    response.json({ ...list, data: list.data.map(linked) });
  });

  router.get('/deliveries/:id', authorize('viewer'), async (request: ById, response) => {
    response.json(linked(await get(request)));
  });

  router.post('/deliveries/cancel', authorize('operator'), async (request, response) => {
    const { value } = readJson(request);
    const { filter, dry_run: dryRun, reason = null } = cancelManyBody.parse(value);
    const { status = [...OPEN_STATUSES], ...rest } = filter;
    const { tenant } = rest;
    const object = rest.endpoint_id ?? rest.event_id ?? (tenant === undefined ? 'all' : `tenant:${tenant}`);
    const by = {
      actor: actorOf(response),
      reason,
      filter: (value as { filter: object }).filter,
      object,
      tenant: await tenantOf(pool, rest),
    };
    response.json(await cancelOpen(deps, { filter: { ...rest, status }, dryRun, by }));
  });

  router.post('/deliveries/:id/cancel', authorize('operator'), async (request: ById, response) => {
    const { reason = null } = reasonBody.parse(readOptionalJson(request));
    const { id, workflow_id, workflow_started } = await get(request);
    // Read with the change: Postgres may be away right after the commit.
    const cancelled = await transaction(pool, async (db) =>
      (await cancelDelivery(db, id, actorOf(response), reason)) ? getDelivery(db, id) : null,
    );
    if (!cancelled) {
      throw new Problem(409, 'delivery_ended', `It has ended: ${(await get(request)).status}.`);
    }
    if (workflow_started && workflowMode !== 'none') {
      // The row decides; a workflow that gets no signal reads it before its next attempt.
      workflows.cancelDeliveries(workflow_id, [id]).catch((error: unknown) => {
        log.info({ err: error, delivery_id: id }, 'cancellation not signalled to the workflow');
      });
    }
    response.json(linked(cancelled));
  });

  router.post('/deliveries/:id/retry', authorize('operator'), async (request: ById, response) => {
    const value = readOptionalJson(request);
    const { reason = null } = reasonBody.parse(value);
    const delivery = await get(request);
    const about = { tenant: delivery.tenant, route: 'deliveries.retry', about: [delivery.id, value] };
    const by = { actor: actorOf(response), reason, key: requestKey(headerKey(request), about) };
    const before = await answeredBefore(pool, by.key);
    const result = before ? { knownId: before } : await retryDelivery(deps, delivery, by);
    if ('made' in result) response.status(202).json(linked(result.made));
    else replayed(response).json(linked((await afterCommit(getDelivery(pool, result.knownId)))!));
  });

  return router;
}

/** Whether deliveries like this get a workflow: with `open`, those that are still open after their first attempt. */
const getsWorkflow = (mode: WorkflowMode, delivery: StoredDelivery): boolean =>
  mode === 'all' || (mode === 'open' && delivery.attempt_count > (isOpen(delivery) ? 0 : 1));
