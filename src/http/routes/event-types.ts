import { listEventTypes } from '../../db/event-type-lists.js';
import {
  deleteEventType,
  getEventType,
  importEventTypes,
  insertEventType,
  updateEventType,
  type EventType,
} from '../../db/event-types.js';
import { afterCommit } from '../../db/after-commit.js';
import type { Db, Pool } from '../../db/pool.js';
import { answer, replayed } from '../answer.js';
import { pageOf } from '../answers/common.js';
import { importedEventTypes, listedEventType, storedEventType } from '../answers/event-types.js';
import { requireValidExample } from '../event-type-rules.js';
import { eventTypeBody, eventTypePatch, eventTypesQuery, importBody } from '../event-type-schemas.js';
import { answeredBefore, createOnce, deletedSince, requestKey } from '../once.js';
import { notFound, Problem } from '../problem.js';
import { readImport } from '../read-import.js';
import { route, type Param } from '../route.js';
import { eventType } from '../schemas.js';

/** An OpenAPI document with its components. */
const MAX_IMPORT_BYTES = 4 * 1024 * 1024;

const tag = 'Event types';
const name: Param = { schema: eventType, what: 'event type', example: 'order.created', owned: null };
const params = { name };
const responses = { 200: { description: 'The event type.', schema: storedEventType } };

const create = route('POST /v1/event-types', {
  operationId: 'createEventType',
  tag,
  role: 'admin',
  aboveTenants: true,
  summary: 'Add an event type to the catalogue',
  description:
    'Events of types that are not in it are accepted, too. A schema is enforced from then on: an event whose payload it refuses gets 422.',
  idempotent: true,
  body: eventTypeBody,
  example: {
    name: 'invoice.paid',
    description: 'A customer has paid an invoice.',
    example: { invoice_id: 'in_1', amount: 1200 },
    schema: { type: 'object', required: ['invoice_id'], properties: { invoice_id: { type: 'string' } } },
  },
  responses: {
    201: { description: 'The event type.', schema: storedEventType },
    200: { description: 'The event type that an earlier request made.', schema: storedEventType },
  },
  problems: ['event_type_exists'],
  async handle({ body, raw, key: given, actor }, { pool, payloadSchemas }) {
    requireValidExample(body);
    const key = requestKey(given, { route: 'event-types', about: raw.value });
    const before = await answeredBefore(pool, key);
    if (before !== null) return replayed(await afterCommit(again(pool, before)));
    const make = async (db: Db): Promise<EventType> => {
      const made = await insertEventType(db, body, { actor });
      if (made) return made;
      const message = `There is an event type ${body.name} already; change it with PATCH.`;
      throw new Problem(409, 'event_type_exists', message, [{ path: 'name', message }]);
    };
    const result = await createOnce(pool, key, make, (made) => made.name);
    payloadSchemas.changed(body.name);
    if ('knownId' in result) return replayed(await afterCommit(again(pool, result.knownId)));
    return answer(201, result.made);
  },
});

async function again(pool: Pool, id: string): Promise<EventType> {
  const before = await getEventType(pool, id);
  if (before) return before;
  throw deletedSince('event type', id);
}

const importAll = route('POST /v1/event-types/import/openapi', {
  operationId: 'importEventTypes',
  tag,
  role: 'admin',
  aboveTenants: true,
  summary: 'Import event types from the webhooks of an OpenAPI document',
  description: 'Each webhook is one event type. One that is not valid is refused, and the others are not.',
  lane: 'import',
  maxBytes: MAX_IMPORT_BYTES,
  body: importBody,
  example: {
    openapi: {
      openapi: '3.1.0',
      webhooks: {
        'invoice.sent': {
          post: { requestBody: { content: { 'application/json': { schema: { type: 'object' } } } } },
        },
      },
    },
    dry_run: true,
  },
  responses: { 200: { description: 'The result, or that of the dry run.', schema: importedEventTypes } },
  async handle({ body: { openapi, dry_run }, actor }, { pool, payloadSchemas }) {
    const { types, refused } = await readImport(openapi);
    const imported = await importEventTypes(pool, types, {
      actor,
      reason: 'imported from an OpenAPI document',
      dryRun: dry_run,
    });
    payloadSchemas.changed(null);
    return answer(200, { dry_run, ...imported, refused });
  },
});

const list = route('GET /v1/event-types', {
  operationId: 'listEventTypes',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'List event types',
  query: eventTypesQuery,
  responses: { 200: { description: 'By name.', schema: pageOf(listedEventType) } },
  async handle({ query: { limit, cursor = null, archived } }, { pool }) {
    const wanted = archived === 'all' ? null : archived === 'true';
    return answer(200, await listEventTypes(pool, { archived: wanted, after: cursor, limit }));
  },
});

const get = route('GET /v1/event-types/{name}', {
  operationId: 'getEventType',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'Get an event type with its schema',
  params,
  responses,
  async handle({ params: { name } }, { pool }) {
    return answer(200, found(await getEventType(pool, name), name));
  },
});

const update = route('PATCH /v1/event-types/{name}', {
  operationId: 'updateEventType',
  tag,
  role: 'admin',
  aboveTenants: true,
  summary: 'Change or archive an event type',
  description: 'Fields that are not given stay as they are.',
  params,
  body: eventTypePatch,
  example: { archived: true },
  responses,
  async handle({ params: { name }, body, actor }, { pool, payloadSchemas }) {
    const after = await updateEventType(pool, name, body, { actor }, requireValidExample);
    payloadSchemas.changed(name);
    return answer(200, found(after, name));
  },
});

const remove = route('DELETE /v1/event-types/{name}', {
  operationId: 'deleteEventType',
  tag,
  role: 'admin',
  aboveTenants: true,
  summary: 'Delete an event type from the catalogue',
  description: 'Events of this type are accepted as before, and no longer checked.',
  params,
  responses: { 204: { description: 'Deleted.', schema: null } },
  async handle({ params: { name }, actor }, { pool, payloadSchemas }) {
    if (!(await deleteEventType(pool, name, { actor }))) throw notFound('event type', name);
    payloadSchemas.changed(name);
    return answer(204, undefined);
  },
});

function found(stored: EventType | null, id: string): EventType {
  if (!stored) throw notFound('event type', id);
  return stored;
}

/** The catalogue of events: it belongs to the installation, not to a tenant. */
export const eventTypeRoutes = [create, importAll, list, get, update, remove];
