import { Router, type Request } from 'express';
import {
  attemptNow,
  cancelDelivery,
  getDelivery,
  listDeliveries,
  redeliver,
  type StoredDelivery,
} from '../../db/deliveries.js';
import { audit } from '../../db/audit.js';
import type { RequestKey } from '../../db/request-keys.js';
import { openWorkflow } from '../../db/overdue-deliveries.js';
import { cancelOpen } from '../../delivery/cancel-open.js';
import { restartOf } from '../../delivery/workflow-gateway.js';
import { isOpen, OPEN_STATUSES } from '../../domain/delivery.js';
import { afterCommit } from '../../db/after-commit.js';
import { notFound, Problem } from '../problem.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { readJson, readOptionalJson } from '../json-body.js';
import { cancelManyBody } from '../cancel-schemas.js';
import { answeredBefore, createOnce, replayed, requestKey } from '../once.js';
import { requireIdParam } from '../id-param.js';
import { deliveriesQuery, pageQuery, reasonBody } from '../schemas.js';
import { headerKey } from '../idempotency-key.js';

type ById = Request<{ id: string }>;

export function deliveryRoutes(deps: AppDeps): Router {
  const { pool, authorize, workflows, workflowUrl, log } = deps;
  const router = Router();
  router.param('id', requireIdParam('del', 'delivery'));
  const linked = <T extends { workflow_id: string }>(delivery: T) => ({
    ...delivery,
    workflow_url: workflowUrl(delivery.workflow_id),
  });
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
    const by = { actor: actorOf(response), reason, filter: (value as { filter: object }).filter, object };
    response.json(await cancelOpen(deps, { status, filter: rest, dryRun, by }));
  });

  router.post('/deliveries/:id/cancel', authorize('operator'), async (request: ById, response) => {
    const { reason = null } = reasonBody.parse(readOptionalJson(request));
    const { id, workflow_id } = await get(request);
    const cancelled = await cancelDelivery(pool, id, actorOf(response), reason);
    if (!cancelled) {
      throw new Problem(409, 'delivery_ended', `It has ended: ${(await get(request)).status}.`);
    }
    // The row decides; a workflow that is not told finds out at its next attempt.
    workflows.cancelDeliveries(workflow_id, [id]).catch((error: unknown) => {
      log.info({ err: error, delivery_id: id }, 'workflow not told of the cancellation');
    });
    response.json(linked(cancelled));
  });

  router.post('/deliveries/:id/retry', authorize('operator'), async (request: ById, response) => {
    const value = readOptionalJson(request);
    const { reason = null } = reasonBody.parse(value);
    const delivery = await get(request);
    const about = { tenant: delivery.tenant, route: 'deliveries.retry', about: [delivery.id, value] };
    const by = { actor: actorOf(response), reason, key: requestKey(headerKey(request), about) };
    const before = await answeredBefore(pool, by.key);
    const result = before
      ? { knownId: before }
      : await (isOpen(delivery) ? retryNow : again)(deps, delivery, by);
    if ('made' in result) response.status(202).json(linked(result.made));
    else replayed(response).json(linked((await afterCommit(getDelivery(pool, result.knownId)))!));
  });

  return router;
}

interface By {
  actor: string;
  reason: string | null;
  key: RequestKey | null;
}

type Retried = { made: StoredDelivery } | { knownId: string };

async function retryNow(deps: AppDeps, delivery: StoredDelivery, { key, ...by }: By): Promise<Retried> {
  const { id, status, status_reason, workflow_id } = delivery;
  if (status === 'HELD') {
    throw new Problem(409, 'delivery_held', `It is held (${status_reason}): resume that instead.`);
  }
  // A workflow does not know deliveries that wait in Postgres (lane `any`), even if it carries others of their event.
  let told = await attemptNow(deps.pool, id, 'any');
  try {
    told ||= await deps.workflows.attemptNow(workflow_id, id);
  } catch (error) {
    deps.log.warn({ err: error, delivery_id: id }, 'retry not asked for');
    // The workflow may have been told, and only the answer lost.
    const detail = 'Temporal did not answer. Try again: asked twice, the next attempt is still made once.';
    throw new Problem(503, 'temporal_unavailable', detail, [], { 'retry-after': '1' });
  }
  if (!told) await attemptNow(deps.pool, id, null);
  // The key stands for this delivery: once the delivery has ended, the same request must not make another.
  const recorded = createOnce(
    deps.pool,
    key,
    async (db) => {
      await audit(db, { ...by, action: 'delivery.retry', object: id });
      return delivery;
    },
    () => id,
  );
  return afterCommit(recorded);
}

/** An ended delivery stays as it is: a new delivery of the same event follows it. */
async function again(deps: AppDeps, source: StoredDelivery, { key, ...by }: By): Promise<Retried> {
  const result = await createOnce(
    deps.pool,
    key,
    (db) => redeliver(db, source, by),
    (delivery) => delivery && delivery.id,
  );
  if ('knownId' in result) return result;
  const { made } = result;
  if (made === null) throw new Problem(409, 'endpoint_deleted', 'Its endpoint is deleted.');
  if (made.status === 'PENDING') await startWorkflowOf(deps, made);
  return { made };
}

/** The delivery is committed: if this fails, the sweeper starts the workflow. */
async function startWorkflowOf(deps: AppDeps, delivery: StoredDelivery): Promise<void> {
  try {
    const open = await openWorkflow(deps.pool, delivery);
    if (open) deps.startWorkflow(restartOf(open));
  } catch (error) {
    deps.log.warn({ err: error, delivery_id: delivery.id }, 'not read back; the sweeper will start it');
  }
}
