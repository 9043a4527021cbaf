import { hash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Router, type Request } from 'express';
import { insertEndpoint } from '../../db/endpoints.js';
import { feedEnd, readFeed, type FeedPage } from '../../db/event-feed.js';
import { findByKey, getEvent, listEvents, type Accepted, type NewEvent } from '../../db/events.js';
import { DatabaseAwayError, transaction } from '../../db/pool.js';
import { deliverWorkflowId } from '../../delivery/workflow-id.js';
import { MAX_PAYLOAD_BYTES, MAX_PAYLOAD_DEPTH } from '../../domain/event.js';
import { elementTexts, memberText } from '../../domain/raw-json.js';
import { badField, notFound, Problem } from '../../errors.js';
import { newId } from '../../ids.js';
import { isJsonType } from '../../webhook/content.js';
import { redactHeaders } from '../../domain/redact.js';
import { newSecret } from '../../webhook/sign.js';
import type { AppDeps } from '../app.js';
import { actorOf } from '../auth.js';
import { toProblem } from '../error-handler.js';
import { headerKey } from '../idempotency-key.js';
import { keyConflict, replayed } from '../once.js';
import { onlyIds } from '../only-ids.js';
import { refuseForbidden } from '../refuse-forbidden.js';
import { boundMembers, parseJson, readJson } from '../body.js';
import { eventBody, eventsBody, eventsQuery, feedQuery, pageQuery, sendBody } from '../schemas.js';

/** Of each event in a batch: a thousand have an answer. */
const ERRORS_PER_EVENT = 5;

export function eventRoutes(deps: AppDeps): Router {
  const router = Router();
  router.param('id', onlyIds('evt', 'event'));
  const { pool, authorize } = deps;

  router.post('/events', authorize('publisher'), (request, response) =>
    postEvent(deps, request, request.body, response),
  );

  router.post('/events/batch', authorize('publisher'), async (request, response) => {
    const { text, value } = readJson(request);
    const { events } = eventsBody.parse(value);
    const texts = elementTexts(memberText(text, 'events')!);
    const key = headerKey(request);
    const failed: unknown[] = [];
    const results = await Promise.all(
      events.map(async (one, i) => {
        try {
          const { kind, event } = await take(
            deps,
            boundMembers(one),
            texts[i]!,
            undefined,
            key && `${key}/${i}`,
          );
          return { status: kind === 'duplicate' ? 200 : 202, id: event.id };
        } catch (error) {
          const { status, code, message: detail, errors } = toProblem(error, ERRORS_PER_EVENT);
          if (status >= 500) failed.push(error);
          return { status, error: { code, detail, errors } };
        }
      }),
    );
    // Where others were accepted, their answer is not lost with those that were not.
    if (failed.length === events.length) throw failed.find(mayBeStored) ?? failed[0];
    if (failed.length > 0)
      deps.log.error({ err: failed[0], failed: failed.length }, 'events of a batch failed');
    if (results.every(({ status }) => status === 200)) replayed(response);
    response.json({ results });
  });

  router.post('/send', authorize('publisher'), async (request, response) => {
    const { text, value } = readJson(request);
    const body = sendBody.parse(value);
    const payload = payloadOf(text, body);
    const key = agreed(body.idempotency_key, headerKey(request));
    const about = [body.url, JSON.stringify(Object.entries(body.headers).sort())];
    // Its headers are those of the endpoint that is made for it.
    const incoming = { ...body, headers: undefined, payload, key, about };
    // First of all: nothing is stored for a key that is taken, and its own request is not judged again.
    const known = await answered(deps, newEvent(deps, { ...incoming, endpointIds: null }));
    if (known) return answer(response, known);
    await refuseForbidden(deps.guard, body.url, body.tenant);
    const adHoc = {
      tenant: body.tenant,
      url: body.url,
      event_types: [],
      description: null,
      headers: body.headers,
      content_type: null,
      timeout_ms: 15_000,
      retry_on: 'default' as const,
      enabled: true,
      sealedSecret: deps.secrets.seal(newSecret()),
      adHocKey: digest([body.tenant, ...about]),
    };
    const endpoint = await transaction(pool, (db) => insertEndpoint(db, adHoc, actorOf(response)));
    answer(response, await accept(deps, newEvent(deps, { ...incoming, endpointIds: [endpoint.id] })));
  });

  router.get('/events', authorize('viewer'), async (request, response) => {
    if (request.query.after !== undefined) return void response.json(await feed(deps, request.query));
    const { page, filter } = pageQuery(eventsQuery.parse(request.query), 'evt');
    response.json(await listEvents(pool, filter, page));
  });

  router.get('/events/:id', authorize('viewer'), async (request: Request<{ id: string }>, response) => {
    const event = await getEvent(pool, request.params.id);
    if (!event) throw notFound('event', request.params.id);
    const { payload, headers, ...content } = event;
    // A value may be a secret: they are shown as those of an attempt are.
    const rest = { ...content, headers: headers && redactHeaders(headers) };
    // Spliced in as text: the payload is answered as it was posted, too.
    response.type('json').send(`${JSON.stringify(rest).slice(0, -1)},"payload":${payload}}`);
  });

  return router;
}

/** Of errors that leave an event unanswered: all but the one that comes before Postgres is asked. */
const mayBeStored = (error: unknown) => !(error instanceof DatabaseAwayError);

/** Events in an order that never changes, for a reader that goes on from `next_cursor`. */
async function feed({ pool }: AppDeps, query: unknown): Promise<FeedPage> {
  const { after, limit, ...filter } = feedQuery.parse(query);
  const page = await readFeed(pool, filter, after === 'now' ? await feedEnd(pool) : after, limit);
  if (page) return page;
  const message = 'This cursor is ahead of the database, which was restored since. Begin again with after=.';
  throw new Problem(409, 'cursor_ahead', message, [{ path: 'after', message }]);
}

/** Takes one event, and answers. */
export async function postEvent(
  deps: AppDeps,
  request: IncomingMessage,
  bytes: unknown,
  response: ServerResponse,
): Promise<void> {
  const { text, value } = parseJson(bytes);
  answer(response, await take(deps, value, text, headerKey(request)));
}

/** Takes the event that a body asks for. */
async function take(
  deps: AppDeps,
  value: unknown,
  text: string,
  header?: string,
  /** The key of an event without one of its own. */
  ownKey?: string,
): Promise<Stored> {
  const { endpoint_ids: endpointIds = null, idempotency_key, ...body } = eventBody.parse(value);
  const payload = payloadOf(text, body);
  const key = agreed(idempotency_key, header) ?? ownKey;
  const event = newEvent(deps, { ...body, payload, key, endpointIds, about: [] });
  const [unknown] = endpointIds ? await deps.unknownEndpoints({ tenant: body.tenant, endpointIds }) : [];
  if (unknown === undefined) return accept(deps, event);
  // It may have been deleted since the same request was accepted.
  const known = await answered(deps, event);
  if (known) return known;
  const path = `endpoint_ids[${endpointIds!.indexOf(unknown)}]`;
  throw badField(path, `There is no endpoint ${unknown} of this tenant.`, 422, 'unknown_endpoint');
}

function newEvent(
  deps: AppDeps,
  incoming: {
    type: string;
    tenant: string;
    payload: string;
    key: string | undefined;
    endpointIds: string[] | null;
    headers?: Record<string, string> | undefined;
    content_type?: string | undefined;
    /** What else makes the request this one: the same key with another of these is a conflict. */
    about: string[];
  },
): NewEvent {
  const { type, tenant, payload, endpointIds, about, content_type: contentType = null } = incoming;
  const headers = Object.keys(incoming.headers ?? {}).length > 0 ? incoming.headers! : null;
  const id = newId('evt');
  const key = incoming.key ?? id;
  return {
    ...{ id, tenant, type, payload, headers, contentType, endpointIds },
    idempotencyKey: key,
    requestHash: digest([
      ...[type, payload, JSON.stringify(about.length ? about : endpointIds)],
      ...(headers || contentType ? [JSON.stringify([contentType, sorted(headers ?? {})])] : []),
    ]),
    workflowId: deliverWorkflowId(tenant, key),
    maxAttempts: deps.maxAttempts,
    createdAt: new Date(),
  };
}

type Stored = Exclude<Accepted, { kind: 'conflict' }>;

/** One commit, together with others; the delivery goes on in the background. */
async function accept(deps: AppDeps, event: NewEvent): Promise<Stored> {
  return settled(deps, await deps.accept(event));
}

/** What the event's key was answered before; null where it has none, or one that is free. */
async function answered(deps: AppDeps, event: NewEvent): Promise<Stored | null> {
  const known = event.idempotencyKey === event.id ? null : await findByKey(deps.pool, event);
  return known && settled(deps, known);
}

function settled(deps: AppDeps, accepted: Accepted): Stored {
  if (accepted.kind === 'conflict') {
    throw keyConflict('idempotency_key');
  }
  deps.metrics.event(accepted.kind);
  return accepted;
}

function answer(response: ServerResponse, { kind, event }: Stored): void {
  const duplicate = kind === 'duplicate';
  const { id, type, tenant, idempotency_key, created_at, deliveries } = event;
  const body = JSON.stringify({ id, type, tenant, idempotency_key, created_at, duplicate, deliveries });
  response.writeHead(duplicate ? 200 : 202, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(duplicate ? { 'idempotent-replayed': 'true' } : {}),
  });
  response.end(body);
}

/** By their names, which have no case. */
const sorted = (headers: Record<string, string>) =>
  Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** As it was posted; a string of well-formed text where its type is not JSON. */
function payloadOf(
  text: string,
  { payload: value, content_type }: { payload: unknown; content_type?: string | undefined },
): string {
  const payload = memberText(text, 'payload', MAX_PAYLOAD_DEPTH)!;
  if (Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) {
    throw badField('payload', 'At most 256 KiB.', 413, 'payload_too_large');
  }
  if (content_type !== undefined && !isJsonType(content_type)) {
    if (typeof value !== 'string' || !value.isWellFormed())
      throw badField('payload', `Must be a string, the text of the body: ${content_type} is not JSON.`);
  }
  return payload;
}

/** From the body or the header; both are fine as long as they agree. */
function agreed(fromBody: string | undefined, header: string | undefined): string | undefined {
  if (header !== undefined && fromBody !== undefined && fromBody !== header) {
    throw badField('idempotency_key', 'Differs from the header Idempotency-Key.');
  }
  return header ?? fromBody;
}

function digest(parts: string[]): string {
  return hash('sha256', JSON.stringify(parts));
}
