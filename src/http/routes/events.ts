import { createHash } from 'node:crypto';
import { Router, type Request, type Response } from 'express';
import { insertEndpoint, unknownEndpoints } from '../../db/endpoints.js';
import { acceptEvent, getEvent, listEvents } from '../../db/events.js';
import { startOf } from '../../delivery/workflows.js';
import { deliverWorkflowId } from '../../delivery/workflow-id.js';
import { MAX_PAYLOAD_BYTES } from '../../domain/event.js';
import { memberText } from '../../domain/raw-json.js';
import { badField, notFound, Problem } from '../../errors.js';
import { newId } from '../../ids.js';
import { newSecret } from '../../webhook/sign.js';
import type { AppDeps } from '../app.js';
import { actorOf } from '../auth.js';
import { onlyIds } from '../only-ids.js';
import { refuseForbidden } from '../refuse-forbidden.js';
import { readJson } from '../body.js';
import { eventBody, eventsQuery, idempotencyKey, pageQuery, sendBody } from '../schemas.js';

export function eventRoutes(deps: AppDeps): Router {
  const router = Router();
  router.param('id', onlyIds('evt', 'event'));
  const { pool, authorize } = deps;

  router.post('/events', authorize('publisher'), async (request, response) => {
    const { text, value } = readJson(request);
    const body = eventBody.parse(value);
    const unknown = body.endpoint_ids ? await unknownEndpoints(pool, body.tenant, body.endpoint_ids) : [];
    if (unknown[0] !== undefined) {
      const at = body.endpoint_ids!.indexOf(unknown[0]);
      throw badField(
        `endpoint_ids[${at}]`,
        `There is no endpoint ${unknown[0]} of this tenant.`,
        422,
        'unknown_endpoint',
      );
    }
    await accept(deps, request, response, {
      ...body,
      text,
      endpointIds: body.endpoint_ids ?? null,
      about: [],
    });
  });

  router.post('/send', authorize('publisher'), async (request, response) => {
    const { text, value } = readJson(request);
    const body = sendBody.parse(value);
    payloadOf(text);
    keyOf(request, body.idempotency_key);
    await refuseForbidden(deps.guard, body.url);
    const about = [body.url, JSON.stringify(Object.entries(body.headers).sort())];
    const adHoc = {
      tenant: body.tenant,
      url: body.url,
      event_types: [],
      description: null,
      headers: body.headers,
      timeout_ms: 15_000,
      retry_on: 'default' as const,
      enabled: true,
      sealedSecret: deps.secrets.seal(newSecret()),
      adHocKey: digest([body.tenant, ...about]).toString('hex'),
    };
    const endpoint = await insertEndpoint(pool, adHoc, actorOf(response));
    await accept(deps, request, response, { ...body, text, endpointIds: [endpoint.id], about });
  });

  router.get('/events', authorize('viewer'), async (request, response) => {
    const { page, filter } = pageQuery(eventsQuery.parse(request.query), 'evt');
    response.json(await listEvents(pool, filter, page));
  });

  router.get('/events/:id', authorize('viewer'), async (request: Request<{ id: string }>, response) => {
    const event = await getEvent(pool, request.params.id);
    if (!event) throw notFound('event', request.params.id);
    const { payload, ...rest } = event;
    // Spliced in as text: the payload is answered as it was posted, too.
    response.type('json').send(`${JSON.stringify(rest).slice(0, -1)},"payload":${payload}}`);
  });

  return router;
}

interface Incoming {
  type: string;
  tenant: string;
  idempotency_key?: string | undefined;
  text: string;
  endpointIds: string[] | null;
  /** What else makes the request this one: the same key with another of these is a conflict. */
  about: string[];
}

/** One commit, then the answer; the workflow's start goes on in the background. */
async function accept(deps: AppDeps, request: Request, response: Response, input: Incoming): Promise<void> {
  const { type, tenant, endpointIds, about } = input;
  const payload = payloadOf(input.text);
  const id = newId('evt');
  const key = keyOf(request, input.idempotency_key) ?? id;
  const accepted = await acceptEvent(deps.pool, {
    id,
    tenant,
    type,
    payload,
    idempotencyKey: key,
    requestHash: digest([type, payload, JSON.stringify(about.length ? about : endpointIds)]),
    workflowId: deliverWorkflowId(tenant, key),
    maxAttempts: deps.maxAttempts,
    createdAt: new Date(),
    endpointIds,
  });
  if (accepted.kind === 'conflict') {
    const message = 'This key was used for another request within its 72 hours.';
    throw new Problem(409, 'idempotency_conflict', message, [{ path: 'idempotency_key', message }]);
  }
  const { event } = accepted;
  const duplicate = accepted.kind === 'duplicate';
  deps.metrics.event(accepted.kind);
  if (duplicate) response.set('idempotent-replayed', 'true');
  // What is held from the start needs no workflow until it may go on.
  else if (event.deliveries.some((d) => d.status === 'PENDING'))
    deps.dispatch(startOf(event, deps.maxAttempts));
  const { deliveries, created_at } = event;
  response.status(duplicate ? 200 : 202);
  response.json({ id: event.id, type, tenant, idempotency_key: key, created_at, duplicate, deliveries });
}

function payloadOf(text: string): string {
  const payload = memberText(text, 'payload')!;
  if (Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) {
    throw badField('payload', 'At most 256 KiB.', 413, 'payload_too_large');
  }
  return payload;
}

/** From the body or the header; both are fine as long as they agree. */
function keyOf(request: Request, fromBody: string | undefined): string | undefined {
  const header = request.get('idempotency-key');
  if (header === undefined) return fromBody;
  const parsed = idempotencyKey.safeParse(header);
  if (!parsed.success) throw badField('Idempotency-Key', 'Must be 1-255 printable characters.');
  if (fromBody !== undefined && fromBody !== header) {
    throw badField('idempotency_key', 'Differs from the header Idempotency-Key.');
  }
  return header;
}

function digest(parts: string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}
