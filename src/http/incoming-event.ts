import { hash } from 'node:crypto';
import type { z } from 'zod';
import { MAX_SHOWN, type Accepted, type NewEvent } from '../db/events.js';
import { deliverWorkflowId } from '../delivery/workflow-id.js';
import type { Work } from '../domain/check-work.js';
import { MAX_PAYLOAD_BYTES, MAX_PAYLOAD_DEPTH } from '../domain/event.js';
import { isReserved, isReservedKey } from '../domain/operational-event.js';
import { memberText } from '../domain/raw-json.js';
import { newId } from '../lib/ids.js';
import { isJsonType } from '../webhook/content.js';
import { answer, replayed } from './answer.js';
import type { AppDeps } from './app-deps.js';
import type { Identity } from './auth.js';
import { schemaProblem } from './event-type-rules.js';
import type { Slot } from './fair-limit.js';
import { keyConflict } from './once.js';
import { badField, type Problem } from './problem.js';
import type { eventBody } from './event-schemas.js';
import { tenantFor } from './tenancy.js';

/** Accepts the event that a body describes, if its tenant is admitted. */
export async function acceptPosted(
  deps: AppDeps,
  given: {
    identity: Identity;
    body: z.output<typeof eventBody>;
    /** The whole body as it was posted. */
    text: string;
    slot: Slot;
    headerKey?: string | undefined;
    /** Used when neither body nor header gives a key. */
    ownKey?: string | undefined;
    /** The work left for the schemas of all events of the request. */
    schemaWork?: Work | undefined;
  },
): Promise<Stored> {
  const { text, slot, headerKey: header, ownKey, schemaWork } = given;
  const { endpoint_ids: endpointIds = null, idempotency_key, ...rest } = given.body;
  const body = { ...rest, tenant: tenantFor(given.identity, rest.tenant) };
  await admit(slot, body);
  const payload = payloadOf(text, body);
  const key = agreed(idempotency_key, header) ?? ownKey;
  const event = newEvent(deps, { ...body, payload, key, endpointIds, about: [] });
  // A repeated event does not count. Otherwise, a batch above the rate that is sent again would use it up for those that
  // were accepted, each time.
  const repeated = deps.tenantRates.limits(event.tenant) ? await answered(deps, event) : null;
  if (repeated) return repeated;
  deps.tenantRates.take(event.tenant);
  const refusal =
    (await schemaProblem(deps, body, schemaWork)) ??
    (endpointIds && (await endpointProblem(deps, body.tenant, endpointIds)));
  if (!refusal) return accept(deps, event);
  // The schema or the endpoint may have changed since this same request was accepted.
  const known = await answered(deps, event);
  if (known) return known;
  throw refusal;
}

async function endpointProblem(
  deps: AppDeps,
  tenant: string,
  endpointIds: string[],
): Promise<Problem | null> {
  const [unknown] = await deps.unknownEndpoints({ tenant, endpointIds });
  if (unknown === undefined) return null;
  const path = `endpoint_ids[${endpointIds.indexOf(unknown)}]`;
  return badField(path, `There is no endpoint ${unknown} of this tenant.`, 422, 'unknown_endpoint');
}

/** Throws where the event may not be published; waits for the tenant's share. */
export function admit(slot: Slot, { type, tenant }: { type: string; tenant: string }): Promise<void> {
  if (isReserved(tenant, type))
    throw badField('type', `Only Surehook publishes ${type} to the tenant ${tenant}.`, 422, 'reserved_type');
  return slot.admit(tenant);
}

export function newEvent(
  deps: AppDeps,
  incoming: {
    type: string;
    tenant: string;
    payload: string;
    key: string | undefined;
    endpointIds: string[] | null;
    headers?: Record<string, string> | undefined;
    content_type?: string | undefined;
    /** Hashed in place of `endpointIds` unless empty: the same key with other values is a conflict. */
    about: string[];
  },
): NewEvent {
  const { type, tenant, payload, endpointIds, about, content_type: contentType = null } = incoming;
  const headers = Object.keys(incoming.headers ?? {}).length > 0 ? incoming.headers! : null;
  const id = newId('evt');
  const key = incoming.key ?? id;
  if (isReservedKey(tenant, key))
    throw badField(
      'idempotency_key',
      `Only Surehook uses ${key} in the tenant ${tenant}.`,
      422,
      'reserved_key',
    );
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

/** Stores the event, in one commit with others; its delivery goes on in the background. */
export async function accept(deps: AppDeps, event: NewEvent): Promise<Stored> {
  return settled(deps, await deps.accept(event));
}

/** The earlier answer to the event's key; null if the event has no key, or the key is free. */
export async function answered(deps: AppDeps, event: NewEvent): Promise<Stored | null> {
  const known = event.idempotencyKey === event.id ? null : await deps.findByKey(event);
  return known && settled(deps, known);
}

function settled(deps: AppDeps, accepted: Accepted): Stored {
  if (accepted.kind === 'conflict') {
    throw keyConflict('idempotency_key');
  }
  deps.metrics.event(accepted.kind);
  return accepted;
}

/** The answer to a posted event. */
export function acceptedAnswer({ kind, event }: Stored) {
  const { id, type, tenant, idempotency_key, created_at, delivery_count } = event;
  const duplicate = kind === 'duplicate';
  const deliveries = event.deliveries.slice(0, MAX_SHOWN);
  const body = { id, type, tenant, idempotency_key, created_at, duplicate, deliveries, delivery_count };
  return duplicate ? replayed(body) : answer(202, body);
}

/** Sorted by lower-case name: header names are case-insensitive. */
const sorted = (headers: Record<string, string>) =>
  Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** The payload as it was posted. Throws a Problem if it is too large, or not JSON by type and no valid string. */
export function payloadOf(
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

/** The key from the body or the header. Throws a Problem if they differ. */
export function agreed(fromBody: string | undefined, header: string | undefined): string | undefined {
  if (header !== undefined && fromBody !== undefined && fromBody !== header) {
    throw badField('idempotency_key', 'Differs from the header Idempotency-Key.');
  }
  return header ?? fromBody;
}

export function digest(parts: string[]): string {
  // The lengths keep two lists from being one text.
  return hash('sha256', parts.map((part) => `${part.length}:${part}`).join(''));
}
