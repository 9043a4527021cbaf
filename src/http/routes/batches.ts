import { setTimeout as sleep } from 'node:timers/promises';
import { Router, type Request, type Response } from 'express';
import { changeBatch, insertBatch, startFrom, type BatchChange } from '../../db/batches.js';
import { getBatch, listBatches, listItems, type StoredBatch } from '../../db/batch-state.js';
import type { Db } from '../../db/pool.js';
import { afterCommit } from '../../db/after-commit.js';
import { notFound, Problem } from '../problem.js';
import { cancelBatch } from '../../delivery/cancel-batch.js';
import { reconcileBatch } from '../../delivery/reconcile-batch.js';
import { batchWorkflowId } from '../../../workflows/contract.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { batchBody, batchesQuery, cancelBody, itemsQuery, ratePatch, startBody } from '../batch-schemas.js';
import { readJson, readOptionalJson } from '../json-body.js';
import { createOnce, replayed, requestKey } from '../once.js';
import { requireIdParam } from '../id-param.js';
import { pageQuery, reasonBody } from '../schemas.js';
import { headerKey } from '../idempotency-key.js';

type ById = Request<{ id: string }>;

/** Wait for the plan: a few thousand items are planned in this time; a larger plan is made after the answer. */
const PLAN_MS = 3_000;
const LOOK_MS = 50;
/** Time for cancelling deliveries before the answer: some ten thousand. */
const CANCEL_MS = 3_000;

/** Only a dry run can be started, or the rest of a cancelled or failed batch. */
function whyNotStarted({ status, plan, completed_at }: StoredBatch): string {
  if (status !== 'CANCELLED' && status !== 'FAILED') {
    return `Only a dry run is started, or what a cancelled or failed batch has left; it is ${status}.`;
  }
  if (plan === null) return `It was ${status} before its plan was made: it has nothing to go on with.`;
  return completed_at === null
    ? 'It is still ending: a request of it may be under way. Try again.'
    : 'It has just ended. Try again.';
}

export function batchRoutes(deps: AppDeps): Router {
  const { pool, authorize, workflows, workflowMode, workflowUrl, log } = deps;
  const router = Router();
  router.param('id', requireIdParam('bat', 'batch'));

  const linked = (batch: StoredBatch) => {
    const workflow_id = batchWorkflowId(batch.id);
    return { ...batch, workflow_id, workflow_url: workflowUrl(workflow_id) };
  };
  const get = async ({ params: { id } }: ById) => {
    const batch = await getBatch(pool, id);
    if (!batch) throw notFound('batch', id);
    return batch;
  };

  /** The batch row has decided: if its workflow cannot be signalled now, the reconciler does it later. */
  const signal = async (id: string, { cancelled = false } = {}) => {
    const reconcile = () =>
      reconcileBatch({ workflows, changeBatch: (...change) => changeBatch(pool, ...change), log }, id);
    // Cancelling fails if the workflow has ended: start it again, to end the deliveries it left running.
    const signalled = cancelled ? workflows.cancelBatch(id).catch(reconcile) : reconcile();
    await signalled.catch((error: unknown) => {
      log.warn({ err: error, batch_id: id }, 'batch workflow not signalled; the reconciler will do it');
    });
  };

  /** The batch is CANCELLED in its row: its workflow cancels the deliveries that this does not reach in time. */
  const cancelDeliveries = async (id: string) => {
    const startsWorkflows = workflowMode === 'all';
    await cancelBatch({ pool, workflows, startsWorkflows, log }, id, Date.now() + CANCEL_MS).catch(
      (error: unknown) => {
        log.warn(
          { err: error, batch_id: id },
          'deliveries not cancelled; the workflow of the batch will do it',
        );
      },
    );
  };

  const answerKnown = async (response: Response, id: string) => {
    replayed(response).json(linked((await afterCommit(getBatch(pool, id)))!));
  };

  const answerPlanned = async (response: Response, batch: StoredBatch) => {
    await signal(batch.id);
    let planned = batch;
    try {
      for (const until = Date.now() + PLAN_MS; planned.status === 'PLANNING' && Date.now() < until;) {
        await sleep(LOOK_MS);
        planned = (await getBatch(pool, batch.id))!;
      }
    } catch (error) {
      // The batch exists all the same: answer with its last known state.
      log.warn({ err: error, batch_id: batch.id }, 'batch not read back');
    }
    response.status(201).json(linked(planned));
  };

  const change = async (request: ById, response: Response, wanted: BatchChange, reason: string | null) => {
    const { id } = request.params;
    const result = await changeBatch(pool, id, wanted, { actor: actorOf(response), reason });
    if (result === null) throw notFound('batch', id);
    if (result === 'forbidden') {
      const { status } = await get(request);
      throw new Problem(409, 'batch_state', `A batch that is ${status} cannot be changed so.`);
    }
    if (result === 'changed') {
      const cancelled = wanted.kind === 'cancel';
      if (cancelled) await cancelDeliveries(id);
      await signal(id, { cancelled });
    }
    response.json(linked(await (result === 'changed' ? afterCommit(get(request)) : get(request))));
  };

  router.post('/batches', authorize('operator'), async (request, response) => {
    const { value } = readJson(request);
    const batch = batchBody.parse(value);
    const key = requestKey(headerKey(request), { route: 'batches', about: value });
    const make = (db: Db) => insertBatch(db, batch, actorOf(response));
    const result = await createOnce(pool, key, make, ({ id }) => id);
    if ('knownId' in result) await answerKnown(response, result.knownId);
    else await answerPlanned(response, result.made);
  });

  router.get('/batches', authorize('viewer'), async (request, response) => {
    const { page, filter } = pageQuery(batchesQuery.parse(request.query), 'bat');
    const list = await listBatches(pool, filter, page);
    response.json({ ...list, data: list.data.map(linked) });
  });

  router.get('/batches/:id', authorize('viewer'), async (request: ById, response) => {
    response.json(linked(await get(request)));
  });

  router.patch('/batches/:id', authorize('operator'), async (request: ById, response) => {
    const { rate_per_second, reason = null } = ratePatch.parse(readJson(request).value);
    await change(request, response, { kind: 'rate', ratePerSecond: rate_per_second }, reason);
  });

  router.get('/batches/:id/items', authorize('viewer'), async (request: ById, response) => {
    const { limit, cursor = 0, ...filter } = itemsQuery.parse(request.query);
    const { id } = await get(request);
    const { data, more } = await listItems(pool, id, filter, { limit, after: cursor });
    response.json({ data, next_cursor: more ? String(data.at(-1)!.number) : null });
  });

  router.post('/batches/:id/start', authorize('operator'), async (request: ById, response) => {
    const value = readOptionalJson(request);
    const { rate_per_second, note = null } = startBody.parse(value);
    const over = { ratePerSecond: rate_per_second, note };
    const { id } = request.params;
    const key = requestKey(headerKey(request), { route: 'batches.start', about: [id, value] });
    const result = await createOnce(
      pool,
      key,
      (db) => startFrom(db, id, over, actorOf(response)),
      (made) => (made !== null && made !== 'forbidden' ? made.batch.id : null),
    );
    if ('knownId' in result) return answerKnown(response, result.knownId);
    const started = result.made;
    if (started === null) throw notFound('batch', id);
    if (started === 'forbidden') {
      throw new Problem(409, 'batch_state', whyNotStarted(await get(request)));
    }
    if (started.created) await answerPlanned(response, started.batch);
    else response.json(linked(started.batch));
  });

  for (const kind of ['pause', 'resume'] as const) {
    router.post(`/batches/:id/${kind}`, authorize('operator'), async (request: ById, response) => {
      const { reason = null } = reasonBody.parse(readOptionalJson(request));
      await change(request, response, { kind }, reason);
    });
  }

  router.post('/batches/:id/cancel', authorize('operator'), async (request: ById, response) => {
    const { running, reason = null } = cancelBody.parse(readOptionalJson(request));
    await change(request, response, { kind: 'cancel', running }, reason);
  });

  return router;
}
