import { afterCommit } from '../../db/after-commit.js';
import { getApiKey, insertApiKey, listApiKeys, revokeApiKey } from '../../db/api-keys.js';
import type { Db } from '../../db/pool.js';
import { answer, replayed } from '../answer.js';
import { apiKey, newApiKey, repeatedApiKey } from '../answers/api-keys.js';
import { pageOf } from '../answers/common.js';
import { apiKeyBody, apiKeysQuery } from '../api-key-schemas.js';
import { keyHash, newCredential } from '../auth.js';
import { apiKeyExample } from '../examples.js';
import { createOnce, requestKey } from '../once.js';
import { badField, notFound } from '../problem.js';
import { idParam, route } from '../route.js';
import { pageQuery, reasonBody } from '../schemas.js';

const tag = 'API keys';
const role = 'admin';
const aboveTenants = true;
const params = { id: idParam('key', 'API key') };

const create = route('POST /v1/api-keys', {
  operationId: 'createApiKey',
  tag,
  role,
  aboveTenants,
  summary: 'Make an API key',
  description: 'Only this answer has the key: it is stored as a hash.',
  idempotent: true,
  body: apiKeyBody,
  example: { name: 'shop', role: 'publisher', tenant: 'acme', rate_per_second: 100 },
  responses: {
    201: { description: 'The API key.', schema: newApiKey, example: apiKeyExample },
    200: {
      description: 'The API key that an earlier request made, without the key itself.',
      schema: repeatedApiKey,
    },
  },
  problems: ['name_taken'],
  async handle({ body, raw, key: given, actor }, { pool }) {
    const key = newCredential('shk');
    const make = (db: Db) => insertApiKey(db, body, keyHash(key), actor);
    const madeId = (made: Awaited<ReturnType<typeof make>>) => (made === 'name_taken' ? null : made.id);
    const result = await createOnce(
      pool,
      requestKey(given, { route: 'api-keys', about: raw.value }),
      make,
      madeId,
    );
    if ('knownId' in result)
      return replayed({ ...(await afterCommit(getApiKey(pool, result.knownId)))!, key: null });
    if (result.made === 'name_taken')
      throw badField('name', 'An API key with this name exists.', 409, 'name_taken');
    return answer(201, { ...result.made, key });
  },
});

const list = route('GET /v1/api-keys', {
  operationId: 'listApiKeys',
  tag,
  role,
  aboveTenants,
  summary: 'List API keys',
  query: apiKeysQuery,
  responses: { 200: { description: 'Newest first, revoked ones included.', schema: pageOf(apiKey) } },
  async handle({ query }, { pool }) {
    const { page, filter } = pageQuery(query, 'key');
    return answer(200, await listApiKeys(pool, filter, page));
  },
});

const get = route('GET /v1/api-keys/{id}', {
  operationId: 'getApiKey',
  tag,
  role,
  aboveTenants,
  summary: 'Get an API key',
  params,
  responses: { 200: { description: 'The API key, without the key itself.', schema: apiKey } },
  async handle({ params: { id } }, { pool }) {
    const key = await getApiKey(pool, id);
    if (!key) throw notFound('API key', id);
    return answer(200, key);
  },
});

const revoke = route('POST /v1/api-keys/{id}/revoke', {
  operationId: 'revokeApiKey',
  tag,
  role,
  aboveTenants,
  summary: 'Revoke an API key',
  description:
    'Within a second, every process refuses it and the portal sessions that it made. Revoking it again changes nothing.',
  params,
  body: reasonBody,
  optionalBody: true,
  example: { reason: 'it was in a log' },
  responses: { 200: { description: 'The API key.', schema: apiKey } },
  async handle({ params: { id }, body: { reason = null }, actor }, { pool }) {
    const key = await revokeApiKey(pool, id, { actor, reason });
    if (!key) throw notFound('API key', id);
    return answer(200, key);
  },
});

export const apiKeyRoutes = [create, list, get, revoke];
