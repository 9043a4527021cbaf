import { readSecrets } from '../../db/endpoint-secrets.js';
import { afterCommit } from '../../db/after-commit.js';
import type { Actor } from '../../db/audit.js';
import { deleteEndpoint, getEndpoint, listEndpoints, type StoredEndpoint } from '../../db/endpoints.js';
import { IdTakenError, insertEndpoint } from '../../db/new-endpoint.js';
import { endDeliveriesOf } from '../../db/open-deliveries/index.js';
import type { Db } from '../../db/pool.js';
import { requireEndpointRoom } from '../../db/tenant-quotas.js';
import { updateEndpoint, type LockedEndpoint } from '../../db/update-endpoint.js';
import { openSecret } from '../../delivery/endpoint-vault.js';
import { answer, replayed } from '../answer.js';
import { pageOf } from '../answers/common.js';
import { endpointExample } from '../examples.js';
import { endpoint, endpointWithSecret } from '../answers/endpoints.js';
import type { AppDeps } from '../app-deps.js';
import { refuseArchived } from '../event-type-rules.js';
import { assertPublicUrl } from '../assert-public-url.js';
import { foundEndpoint } from '../found-endpoint.js';
import { changesOf, newEndpoint } from '../endpoint-input.js';
import { answeredBefore, confidentialKey, createOnce, deletedSince } from '../once.js';
import { badField, notFound } from '../problem.js';
import { idParam, route } from '../route.js';
import { endpointBody, endpointPatch, endpointsQuery } from '../endpoint-schemas.js';
import { pageQuery } from '../schemas.js';
import { tenantFor } from '../tenancy.js';
import { endpointActions } from './endpoint-actions.js';

/** A deletion ends open deliveries in pages for this long; the poller ends the others. */
const MAX_END_MS = 2_000;
const END_PAGE = 2_000;

const tag = 'Endpoints';
const params = { id: idParam('ep', 'endpoint') };

const create = route('POST /v1/endpoints', {
  operationId: 'createEndpoint',
  tag,
  role: 'admin',
  portal: 'endpoints',
  summary: 'Register an endpoint',
  description: 'The URL may be one whose name does not resolve yet.',
  idempotent: true,
  body: endpointBody,
  example: { url: 'https://shop.example/webhooks', event_types: ['order.*'], description: 'Shop' },
  responses: {
    201: {
      description: 'The endpoint with its secret.',
      schema: endpointWithSecret,
      example: endpointExample,
    },
    200: { description: 'The endpoint that an earlier request made.', schema: endpointWithSecret },
  },
  problems: [
    'foreign_tenant',
    'address_blocked',
    'port_blocked',
    'event_type_archived',
    'id_taken',
    'quota_exceeded',
    'encryption_key_unknown',
    'secret_unreadable',
  ],
  async handle({ body: given, raw, key: givenKey, identity, actor }, deps) {
    const { pool, secrets } = deps;
    const body = { ...given, tenant: tenantFor(identity, given.tenant) };
    const of = { tenant: body.tenant, route: 'endpoints', about: raw.value };
    const key = await confidentialKey(deps.keyedDigest, givenKey, of);
    const before = await answeredBefore(pool, key);
    if (before !== null) return replayed(await afterCommit(again(deps, before, actor)));
    const { secret, input } = newEndpoint(secrets, body);
    await assertPublicUrl(deps.guard, body.url, body.tenant);
    await refuseArchived(pool, body.event_types);
    const made = async (db: Db) => {
      await requireEndpointRoom(db, body.tenant, deps.quotas.maxEndpoints);
      return insertEndpoint(db, input, actor).catch(refuseTakenId);
    };
    const result = await createOnce(pool, key, made, ({ id }) => id);
    if ('knownId' in result) return replayed(await afterCommit(again(deps, result.knownId, actor)));
    return answer(201, { ...result.made, secret });
  },
});

/** Rebuilds the answer of an earlier request from its endpoint: the secret is kept nowhere else. */
async function again(
  { pool, secrets }: AppDeps,
  id: string,
  actor: Actor,
): Promise<StoredEndpoint & { secret: string }> {
  const stored = await getEndpoint(pool, id);
  const [newest] = await readSecrets(pool, id, actor);
  if (stored && newest) return { ...stored, secret: openSecret(secrets, newest) };
  throw deletedSince('endpoint', id);
}

const list = route('GET /v1/endpoints', {
  operationId: 'listEndpoints',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'List endpoints',
  query: endpointsQuery,
  responses: { 200: { description: 'Newest first.', schema: pageOf(endpoint) } },
  async handle({ query }, { pool }) {
    const { page, filter } = pageQuery(query, 'ep');
    return answer(200, await listEndpoints(pool, filter, page));
  },
});

const get = route('GET /v1/endpoints/{id}', {
  operationId: 'getEndpoint',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'Get an endpoint',
  params,
  responses: { 200: { description: 'The endpoint.', schema: endpoint } },
  async handle({ params: { id } }, { pool }) {
    return answer(200, foundEndpoint(await getEndpoint(pool, id), id));
  },
});

const update = route('PATCH /v1/endpoints/{id}', {
  operationId: 'updateEndpoint',
  tag,
  role: 'admin',
  portal: 'endpoints',
  summary: 'Change an endpoint',
  description: 'Fields that are not given stay as they are. A changed URL counts from the next attempt on.',
  params,
  body: endpointPatch,
  example: { event_types: ['order.*', 'invoice.paid'] },
  responses: { 200: { description: 'The endpoint.', schema: endpoint } },
  problems: [
    'address_blocked',
    'port_blocked',
    'event_type_archived',
    'quota_exceeded',
    'encryption_key_unknown',
    'secret_unreadable',
  ],
  async handle({ params: { id }, body: patch, actor }, { pool, guard, secrets, quotas }) {
    const { url, event_types } = patch;
    if (url !== undefined || event_types !== undefined) {
      const known = foundEndpoint(await getEndpoint(pool, id), id);
      if (url !== undefined) await assertPublicUrl(guard, url, known.tenant);
      if (event_types) await refuseArchived(pool, event_types, known.event_types);
    }
    const by = { actor, action: 'endpoint.update' };
    const changes = (now: LockedEndpoint) => changesOf(secrets, patch, now);
    const changed = await updateEndpoint(pool, id, changes, by, quotas.maxEndpoints);
    return answer(200, foundEndpoint(changed, id));
  },
});

const remove = route('DELETE /v1/endpoints/{id}', {
  operationId: 'deleteEndpoint',
  tag,
  role: 'admin',
  portal: 'endpoints',
  summary: 'Delete an endpoint',
  description: 'Deliveries that are held or wait for a retry end as FAILED.',
  params,
  responses: { 204: { description: 'Deleted.', schema: null } },
  async handle({ params: { id }, actor }, { pool, log }) {
    const by = { actor, action: 'endpoint.delete' };
    if (!(await deleteEndpoint(pool, id, by))) throw notFound('endpoint', id);
    try {
      const until = performance.now() + MAX_END_MS;
      while (performance.now() < until && (await endDeliveriesOf(pool, id, END_PAGE)) === END_PAGE);
    } catch (error) {
      log.warn({ err: error, endpoint_id: id }, 'deliveries of a deleted endpoint left to the poller');
    }
    return answer(204, undefined);
  },
});

export const endpointRoutes = [create, list, get, update, remove, ...endpointActions];

function refuseTakenId(error: unknown): never {
  if (!(error instanceof IdTakenError)) throw error;
  throw badField('id', 'Belongs to another endpoint, or to one that has been deleted.', 409, 'id_taken');
}
