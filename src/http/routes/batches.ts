import { answer } from '../answer.js';
import { insertBatch, startFrom } from '../../db/batches.js';
import { listBatches, listItems, type StoredBatch } from '../../db/batch-state.js';
import type { Db } from '../../db/pool.js';
import { answerKnown, answerMade, findBatch, linkedBatch } from '../answer-batch.js';
import { batch, batchItem } from '../answers/batches.js';
import { pageOf } from '../answers/common.js';
import { batchBody, batchesQuery, itemsQuery, startBody } from '../batch-schemas.js';
import { createOnce, requestKey } from '../once.js';
import { notFound, Problem } from '../problem.js';
import { idParam, route } from '../route.js';
import { pageQuery } from '../schemas.js';
import { seenTenant } from '../tenancy.js';
import { batchActions } from './batch-actions.js';

/** 10 000 delivery ids, one per line. */
const MAX_BATCH_BYTES = 512 * 1024;

const tag = 'Replay batches';
const params = { id: idParam('bat', 'batch') };

const create = route('POST /v1/batches', {
  operationId: 'createBatch',
  tag,
  role: 'operator',
  portal: 'replay',
  summary: 'Replay deliveries, or plan a replay',
  description:
    'With `dry_run`, nothing is delivered: the plan says what would be. The answer comes when the plan is made, or after 3 s.',
  maxBytes: MAX_BATCH_BYTES,
  idempotent: true,
  body: batchBody,
  example: { filter: { tenant: 'acme', status: 'FAILED', event_type: 'order.created' }, dry_run: true },
  responses: {
    201: { description: 'The batch.', schema: batch },
    200: { description: 'The batch that an earlier request made.', schema: batch },
  },
  problems: ['foreign_tenant'],
  async handle({ body, raw, key: given, identity, actor }, deps) {
    const { selection } = body;
    if ('filter' in selection) seenTenant(identity, selection.filter.tenant, 'filter.tenant');
    if ('delivery_id_count' in selection) seenTenant(identity, selection.tenant);
    const { tenant: keyTenant } = identity;
    const key = requestKey(given, { tenant: keyTenant ?? '', route: 'batches', about: raw.value });
    const make = (db: Db) => insertBatch(db, { ...body, keyTenant }, actor);
    const result = await createOnce(deps.pool, key, make, ({ id }) => id);
    return 'knownId' in result ? answerKnown(deps, result.knownId) : answerMade(deps, result.made);
  },
});

const list = route('GET /v1/batches', {
  operationId: 'listBatches',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'List replay batches',
  query: batchesQuery,
  responses: { 200: { description: 'Newest first.', schema: pageOf(batch) } },
  async handle({ query, identity }, deps) {
    const { page, filter } = pageQuery(query, 'bat');
    const seen = { ...filter, key_tenant: identity.tenant ?? undefined };
    const found = await listBatches(deps.pool, seen, page);
    return answer(200, { ...found, data: found.data.map((one) => linkedBatch(deps, one)) });
  },
});

const get = route('GET /v1/batches/{id}', {
  operationId: 'getBatch',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'Get a replay batch with its plan and progress',
  params,
  responses: { 200: { description: 'The batch.', schema: batch } },
  async handle({ params: { id } }, deps) {
    return answer(200, linkedBatch(deps, await findBatch(deps, id)));
  },
});

const items = route('GET /v1/batches/{id}/items', {
  operationId: 'listBatchItems',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'List the items of a replay batch',
  params,
  query: itemsQuery,
  responses: { 200: { description: 'In the order of their numbers.', schema: pageOf(batchItem) } },
  async handle({ params: { id }, query: { limit, cursor = 0, ...filter } }, deps) {
    await findBatch(deps, id);
    const { data, more } = await listItems(deps.pool, id, filter, { limit, after: cursor });
    return answer(200, { data, next_cursor: more ? String(data.at(-1)!.number) : null });
  },
});

const start = route('POST /v1/batches/{id}/start', {
  operationId: 'startBatch',
  tag,
  role: 'operator',
  portal: 'replay',
  summary: 'Run the plan of a dry run, or the rest of a batch that ended early',
  description: 'A new batch names this one. A second call answers the same batch.',
  params,
  idempotent: true,
  body: startBody,
  optionalBody: true,
  example: { rate_per_second: 20, note: 'the plan is right' },
  responses: {
    201: { description: 'The new batch.', schema: batch },
    200: { description: 'The batch that an earlier request made.', schema: batch },
  },
  problems: ['batch_state'],
  async handle({ params: { id }, body, raw, key: given, identity, actor }, deps) {
    const { rate_per_second, note = null } = body;
    const key = requestKey(given, {
      tenant: identity.tenant ?? '',
      route: 'batches.start',
      about: [id, raw.value],
    });
    const over = { ratePerSecond: rate_per_second, note };
    const make = (db: Db) => startFrom(db, id, over, actor);
    const madeId = (made: Awaited<ReturnType<typeof make>>) =>
      made !== null && made !== 'forbidden' ? made.batch.id : null;
    const result = await createOnce(deps.pool, key, make, madeId);
    if ('knownId' in result) return answerKnown(deps, result.knownId);
    const started = result.made;
    if (started === null) throw notFound('batch', id);
    if (started === 'forbidden') {
      throw new Problem(409, 'batch_state', whyNotStarted(await findBatch(deps, id)));
    }
    if (started.created) return answerMade(deps, started.batch);
    return answer(200, linkedBatch(deps, started.batch));
  },
});

export const batchRoutes = [create, list, get, items, start, ...batchActions];

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
