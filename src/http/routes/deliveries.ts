import { afterCommit } from '../../db/after-commit.js';
import { getDelivery, listDeliveries } from '../../db/deliveries.js';
import { cancelDelivery } from '../../db/open-deliveries/index.js';
import { transaction } from '../../db/pool.js';
import { tenantOf } from '../../db/tenant-of.js';
import { cancelOpen } from '../../delivery/cancel-open.js';
import { OPEN_STATUSES } from '../../domain/delivery.js';
import { answer, replayed } from '../answer.js';
import { pageOf } from '../answers/common.js';
import { deliveryExample } from '../examples.js';
import { cancelReport, delivery, deliveryWithAttempts } from '../answers/deliveries.js';
import { cancelManyBody } from '../cancel-schemas.js';
import { findDelivery, linkedDelivery } from '../linked-delivery.js';
import { answeredBefore, requestKey } from '../once.js';
import { Problem } from '../problem.js';
import { retryDelivery } from '../retry-delivery.js';
import { idParam, route } from '../route.js';
import { seenTenant } from '../tenancy.js';
import { deliveriesQuery, pageQuery, reasonBody, retryBody } from '../schemas.js';

const tag = 'Deliveries';
const params = { id: idParam('del', 'delivery') };

const list = route('GET /v1/deliveries', {
  operationId: 'listDeliveries',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'List deliveries',
  query: deliveriesQuery,
  responses: { 200: { description: 'Newest first, without their attempts.', schema: pageOf(delivery) } },
  async handle({ query }, deps) {
    const { page, filter } = pageQuery(query, 'del');
    const { classification, ...rest } = filter;
    const found = await listDeliveries(deps.pool, { ...rest, last_classification: classification }, page);
    return answer(200, { ...found, data: found.data.map((one) => linkedDelivery(deps, one)) });
  },
});

const get = route('GET /v1/deliveries/{id}', {
  operationId: 'getDelivery',
  tag,
  role: 'any',
  portal: 'read',
  summary: 'Get a delivery with its attempts',
  params,
  responses: {
    200: { description: 'The delivery.', schema: deliveryWithAttempts, example: deliveryExample },
  },
  async handle({ params: { id } }, deps) {
    return answer(200, linkedDelivery(deps, await findDelivery(deps, id)));
  },
});

const cancelMany = route('POST /v1/deliveries/cancel', {
  operationId: 'cancelDeliveries',
  tag,
  role: 'operator',
  summary: 'Cancel all open deliveries that match a filter',
  description: 'With `dry_run`, only counts them. A call takes at most 20 s; the same request goes on.',
  body: cancelManyBody,
  example: { filter: { tenant: 'acme', event_type: 'order.created' }, dry_run: true },
  responses: {
    200: { description: 'Numbers of matching and of cancelled deliveries.', schema: cancelReport },
  },
  problems: ['foreign_tenant'],
  async handle({ body, raw, identity, actor }, deps) {
    const { filter, dry_run: dryRun, reason = null } = body;
    const { status = [...OPEN_STATUSES], ...given } = filter;
    const tenant = seenTenant(identity, given.tenant, 'filter.tenant');
    const rest = { ...given, tenant };
    const object = rest.endpoint_id ?? rest.event_id ?? (tenant === undefined ? 'all' : `tenant:${tenant}`);
    const by = {
      actor,
      reason,
      filter: (raw.value as { filter: object }).filter,
      object,
      tenant: await tenantOf(deps.pool, rest),
    };
    return answer(200, await cancelOpen(deps, { filter: { ...rest, status }, dryRun, by }));
  },
});

const cancel = route('POST /v1/deliveries/{id}/cancel', {
  operationId: 'cancelDelivery',
  tag,
  role: 'operator',
  summary: 'Cancel a delivery',
  description:
    'An attempt under way ends by itself: if the receiver takes it, the delivery is DELIVERED. Repeating the call changes nothing.',
  params,
  body: reasonBody,
  optionalBody: true,
  example: { reason: 'wrong customer' },
  responses: { 200: { description: 'The delivery.', schema: deliveryWithAttempts } },
  problems: ['delivery_ended'],
  async handle({ params: { id }, body: { reason = null }, actor }, deps) {
    const { workflow_id, workflow_started } = await findDelivery(deps, id);
    // Read with the change: Postgres may be away right after the commit.
    const cancelled = await transaction(deps.pool, async (db) =>
      (await cancelDelivery(db, id, actor, reason)) ? getDelivery(db, id) : null,
    );
    if (!cancelled) {
      const ended = await findDelivery(deps, id);
      // The answer to an earlier call may have been lost.
      if (ended.status === 'CANCELLED') return answer(200, linkedDelivery(deps, ended));
      throw new Problem(409, 'delivery_ended', `It has ended: ${ended.status}.`);
    }
    if (workflow_started && deps.workflowMode !== 'none') {
      // The row decides; a workflow that gets no signal reads it before its next attempt.
      deps.workflows.cancelDeliveries(workflow_id, [id]).catch((error: unknown) => {
        deps.log.info({ err: error, delivery_id: id }, 'cancellation not signalled to the workflow');
      });
    }
    return answer(200, linkedDelivery(deps, cancelled));
  },
});

const retry = route('POST /v1/deliveries/{id}/retry', {
  operationId: 'retryDelivery',
  tag,
  role: 'operator',
  portal: 'replay',
  summary: 'Attempt an open delivery now, or deliver an ended one again',
  description:
    'An ended delivery never changes: the answer is a new one, which names it. With `only_open`, an ended delivery is refused (`delivery_ended`).',
  params,
  idempotent: true,
  body: retryBody,
  optionalBody: true,
  example: { reason: 'their server is back' },
  responses: {
    202: { description: 'The delivery that goes on, or the new one.', schema: deliveryWithAttempts },
    200: { description: 'The delivery that an earlier request answered.', schema: deliveryWithAttempts },
  },
  problems: ['delivery_held', 'delivery_ended', 'delivery_ending', 'endpoint_deleted'],
  async handle({ params: { id }, body, raw, key: given, actor }, deps) {
    const delivery = await findDelivery(deps, id);
    const about = { tenant: delivery.tenant, route: 'deliveries.retry', about: [delivery.id, raw.value] };
    const { reason = null, only_open: onlyOpen = false } = body;
    const by = { actor, reason, key: requestKey(given, about) };
    const before = await answeredBefore(deps.pool, by.key);
    const result = before ? { knownId: before } : await retryDelivery(deps, delivery, by, onlyOpen);
    if ('made' in result) return answer(202, linkedDelivery(deps, result.made));
    return replayed(linkedDelivery(deps, (await afterCommit(getDelivery(deps.pool, result.knownId)))!));
  },
});

export const deliveryRoutes = [list, get, cancelMany, cancel, retry];
