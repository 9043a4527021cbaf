import { Router, type Request } from 'express';
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
import type { Db } from '../../db/pool.js';
import { EVENT_TYPE, MAX_NAME } from '../../domain/event.js';
import type { AppDeps } from '../app-deps.js';
import { actorOf } from '../auth.js';
import { requireValidExample } from '../event-type-rules.js';
import { eventTypeBody, eventTypePatch, eventTypesQuery, importBody } from '../event-type-schemas.js';
import { headerKey } from '../idempotency-key.js';
import { readJson } from '../json-body.js';
import { answeredBefore, createOnce, replayed, requestKey } from '../once.js';
import { notFound, Problem } from '../problem.js';
import { readImport } from '../read-import.js';

type ByName = Request<{ name: string }>;

/** The catalogue of events: it belongs to the installation, not to a tenant. */
export function eventTypeRoutes(deps: AppDeps): Router {
  const { pool, authorize, eventSchemas } = deps;
  const router = Router();
  // Before the database, which refuses NUL, for example.
  router.param('name', (_request, _response, next, name: string) => {
    if (name.length > MAX_NAME || !EVENT_TYPE.test(name)) throw notFound('event type', JSON.stringify(name));
    next();
  });

  const again = async (name: string) => {
    const before = await getEventType(pool, name);
    if (before) return before;
    const message = `The event type ${name} was made with this key and has been deleted since. Use another key.`;
    throw new Problem(409, 'idempotency_conflict', message, [{ path: 'Idempotency-Key', message }]);
  };

  router.post('/event-types', authorize('admin'), async (request, response) => {
    const { value } = readJson(request);
    const body = eventTypeBody.parse(value);
    requireValidExample(body);
    const key = requestKey(headerKey(request), { route: 'event-types', about: value });
    const before = await answeredBefore(pool, key);
    if (before !== null) return void replayed(response).json(await afterCommit(again(before)));
    const make = async (db: Db): Promise<EventType> => {
      const made = await insertEventType(db, body, { actor: actorOf(response) });
      if (made) return made;
      const message = `There is an event type ${body.name} already; change it with PATCH.`;
      throw new Problem(409, 'event_type_exists', message, [{ path: 'name', message }]);
    };
    const result = await createOnce(pool, key, make, ({ name }) => name);
    eventSchemas.changed(body.name);
    if ('knownId' in result) replayed(response).json(await afterCommit(again(result.knownId)));
    else response.status(201).json(result.made);
  });

  router.post('/event-types/import', authorize('admin'), async (request, response) => {
    const { openapi, dry_run } = importBody.parse(readJson(request).value);
    const { types, refused } = await readImport(openapi);
    const imported = await importEventTypes(pool, types, {
      actor: actorOf(response),
      reason: 'imported from an OpenAPI document',
      dryRun: dry_run,
    });
    eventSchemas.changed(null);
    response.json({ dry_run, ...imported, refused });
  });

  router.get('/event-types', authorize('viewer'), async (request, response) => {
    const { limit, cursor = null, archived } = eventTypesQuery.parse(request.query);
    const wanted = archived === 'all' ? null : archived === 'true';
    response.json(await listEventTypes(pool, { archived: wanted, after: cursor, limit }));
  });

  router.get('/event-types/:name', authorize('viewer'), async (request: ByName, response) => {
    response.json(found(await getEventType(pool, request.params.name), request));
  });

  router.patch('/event-types/:name', authorize('admin'), async (request: ByName, response) => {
    const changes = eventTypePatch.parse(readJson(request).value);
    const { name } = request.params;
    const by = { actor: actorOf(response) };
    const after = found(await updateEventType(pool, name, changes, by, requireValidExample), request);
    eventSchemas.changed(name);
    response.json(after);
  });

  router.delete('/event-types/:name', authorize('admin'), async (request: ByName, response) => {
    const { name } = request.params;
    if (!(await deleteEventType(pool, name, { actor: actorOf(response) })))
      throw notFound('event type', name);
    eventSchemas.changed(name);
    response.status(204).end();
  });

  return router;
}

function found(eventType: EventType | null, request: ByName): EventType {
  if (!eventType) throw notFound('event type', request.params.name);
  return eventType;
}
