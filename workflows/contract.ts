import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { BatchPlan, BatchProgress } from '../src/domain/batch.js';
import type { Attempt, DeliveryStatus } from '../src/domain/delivery.js';
import { DELIVERIES_PER_WORKFLOW } from '../src/domain/event.js';

/** What client, workflows and activities must agree on: queue, names, payloads. Ids only: no secret, no payload. */

export const TASK_QUEUE = 'surehook';

export interface DeliverWebhookInput {
  eventId: string;
  tenant: string;
  deliveries: DeliveryInput[];
  /** Search attributes that the namespace cannot hold: none of these is set. */
  without?: string[];
}

export interface DeliveryInput {
  id: string;
  endpointId: string;
  maxAttempts: number;
  /** Attempts made before this workflow took it over; 0 where left out. */
  attemptsBefore?: number;
  /** How long its next attempt waits from when Temporal was told; at once where left out. No time: clocks differ. */
  waitMs?: number;
  /** When its next attempt is due by Temporal's clock, ISO 8601 UTC: from one run of a workflow to the next. */
  notBefore?: string;
  /** What is known of the attempts before. */
  attempts?: AttemptSummary[];
  /** Those of them that Postgres did not take yet: recorded before anything else. */
  unrecorded?: KeptAttempt[];
  /** How it has ended already: there is nothing to do but to tell of it. */
  ended?: { status: DeliveryStatus; reason: string | null };
}

/** Search attributes, for `temporal workflow list --query`. */
const TENANT = defineSearchAttributeKey('Tenant', SearchAttributeType.KEYWORD);
const EVENT_TYPE = defineSearchAttributeKey('EventType', SearchAttributeType.KEYWORD);
const BATCH_ID = defineSearchAttributeKey('BatchId', SearchAttributeType.KEYWORD);
const ENDPOINT_IDS = defineSearchAttributeKey('EndpointIds', SearchAttributeType.KEYWORD_LIST);

/** What operators find a `deliverWebhook` by. */
export function searchAttributes(about: {
  tenant: string;
  eventType: string;
  deliveries: DeliveryInput[];
  batchId?: string | null | undefined;
  without?: string[] | undefined;
}): TypedSearchAttributes {
  const pairs = [
    { key: TENANT, value: about.tenant },
    { key: EVENT_TYPE, value: about.eventType },
    ...(about.batchId ? [{ key: BATCH_ID, value: about.batchId }] : []),
  ].filter(({ key }) => !about.without?.includes(key.name));
  return new TypedSearchAttributes([...pairs, ...endpointIds(about.deliveries, about.without)]);
}

export const batchSearchAttributes = (batchId: string, without: string[]) =>
  new TypedSearchAttributes(without.includes(BATCH_ID.name) ? [] : [{ key: BATCH_ID, value: batchId }]);

/** The workflow that carries a delivery is found by its endpoint; the one above parts carries none. */
export function endpointIds(deliveries: DeliveryInput[], without: string[] = []) {
  if (deliveries.length > DELIVERIES_PER_WORKFLOW || without.includes(ENDPOINT_IDS.name)) return [];
  return [{ key: ENDPOINT_IDS, value: deliveries.map((delivery) => delivery.endpointId) }];
}

export interface SendAttemptInput {
  deliveryId: string;
  /** Attempts of earlier activities of this delivery: the trail of this one counts on from there. */
  attemptsBefore: number;
  maxAttempts: number;
}

/** An attempt as Temporal keeps it. `proof`: shows of a DELIVERED one that Surehook made it (attempt-proof.ts). */
export type KeptAttempt = Attempt & { proof?: string };

export interface TrailEntry {
  /** Without its contents. */
  attempt: KeptAttempt;
  /** Temporal's number of the try that made it: tells whether a try was lost since. */
  temporalAttempt: number;
  /** Postgres did not take it yet. */
  unrecorded?: boolean;
}

/** Heartbeat details of sendAttempt: what the Web UI shows of a delivery that is still retrying. */
export interface Trail {
  entries: TrailEntry[];
}

/** How one activity ended; `attempts` are those it made, `unrecorded` those of them that Postgres did not take yet. */
export type SendAttemptResult = { attempts: AttemptSummary[]; unrecorded: KeptAttempt[] } & (
  | { kind: 'delivered' }
  /** The last attempt failed, and Postgres did not take that: once it has, the next is to be made, after this wait. */
  | { kind: 'retry'; waitMs: number }
  /** The same, from a worker of an earlier version. */
  | { kind: 'retry'; waitMs?: undefined; notBefore: string }
  /** The gate said no, or a part of ours was away: nothing was sent. `retryInMs` null: wait for the signal `resume`. */
  | { kind: 'held'; reason: string; retryInMs: number | null }
  /** Ended elsewhere (cancelled, delivered, its endpoint deleted): nothing to do. */
  | { kind: 'ended'; status: DeliveryStatus; reason: string | null }
);

/** The same in the details of the failure that ends an activity. */
export type SendAttemptFailureDetails = [{ attempts: AttemptSummary[]; unrecorded: KeptAttempt[] }];

/** The tries of an activity that ended with its worker. */
export interface RecordLostInput extends SendAttemptInput {
  /** What was known of them last. */
  trail: Trail | null;
  /** How many there were; null: one more than is known of. */
  tries: number | null;
}

export interface EndDeliveriesInput {
  deliveryIds: string[];
  status: Extract<DeliveryStatus, 'FAILED' | 'CANCELLED'>;
  reason: string;
  /** Decided by a tool of Temporal's, and not by an attempt. */
  byTemporal?: boolean;
}

/** Whether an activity's result is one that `sendAttempt` gives: anybody who reaches Temporal can complete an activity. */
export function isSendAttemptResult(result: unknown): result is SendAttemptResult {
  if (!isTold(result)) return false;
  const { kind, attempts, waitMs, notBefore, retryInMs, status } = result as Record<string, unknown> &
    typeof result;
  if (kind === 'delivered') return attempts.at(-1)?.classification === 'DELIVERED';
  if (kind === 'retry') return Number.isFinite(waitMs ?? Date.parse(String(notBefore)));
  if (kind === 'held') return retryInMs === null || Number.isFinite(retryInMs);
  return kind === 'ended' && ['DELIVERED', 'FAILED', 'CANCELLED'].includes(String(status));
}

/** The same of the details of a failure. */
export function isTold(details: unknown): details is SendAttemptFailureDetails[0] {
  const { attempts, unrecorded } = (details ?? {}) as Record<string, unknown>;
  return [attempts, unrecorded].every((list) => Array.isArray(list) && list.every(isNumbered));
}

const isNumbered = (entry: unknown) => Number.isInteger((entry as { number?: unknown } | null)?.number);

export interface AttemptSummary {
  number: number;
  classification: string;
  http_status: number | null;
  started_at: string;
  next_attempt_at: string | null;
  /** As in KeptAttempt. */
  proof?: string;
}

export interface DeliveryState {
  id: string;
  endpoint_id: string;
  status: DeliveryStatus;
  reason: string | null;
  attempts: AttemptSummary[];
}

/** What the workflow of an event with more deliveries than one can carry knows of each part. */
export interface PartState {
  workflow_id: string;
  deliveries: number;
  status: 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';
}

/** `temporal workflow query --type state`: every delivery's status and attempts so far, or the parts to ask for them. */
export const stateQuery = defineQuery<DeliveryState[] | PartState[]>('state');
/** A failed attempt, told by the activity that made it: an activity that is still retrying has no result yet. */
export const attemptedSignal = defineSignal<[deliveryId: string, attempt: AttemptSummary]>('attempted');
/** Held deliveries go on, waiting ones now. */
export const resumeSignal = defineSignal<[deliveryIds: string[]]>('resume');
/** Deliveries of the event, to be carried from here on unless it carries them already; those of `now` go on at once. */
export const carrySignal = defineSignal<[deliveries: DeliveryInput[], now?: string[]]>('carry');
/** These are CANCELLED in Postgres already: their attempts end, the other deliveries go on. */
export const cancelDeliveriesSignal = defineSignal<[deliveryIds: string[]]>('cancelDeliveries');

export interface ReplayBatchInput {
  batchId: string;
  /** As in DeliverWebhookInput. */
  without?: string[];
  /** From one run of the workflow to the next: when the next items may be taken, milliseconds since 1970, … */
  notBefore?: number;
  /** … and the rate that this was reckoned with. */
  ratePerSecond?: number;
}

/** A delivery a batch has made, for a workflow of its own. */
export interface Replay extends DeliverWebhookInput {
  workflowId: string;
  eventType: string;
}

/** Who wants a batch changed, and why; left out by operators who use Temporal's own tools. */
export interface Operator {
  actor?: unknown;
  reason?: unknown;
}

export interface OrderBatchInput {
  batchId: string;
  order: BatchOrder;
  by: Operator;
}

export interface TakeItemsInput {
  batchId: string;
  step: number;
  limit: number;
  /** Whether to count what has become of the deliveries so far. */
  counted: boolean;
}

export type BatchOrder =
  { kind: 'pause' | 'resume' | 'cancel' | 'fail' } | { kind: 'rate'; ratePerSecond: number };

/** `temporal workflow query --type plan`: null until it is made. */
export const planQuery = defineQuery<BatchPlan | null>('plan');
/** `temporal workflow query --type progress`. */
export const progressQuery = defineQuery<BatchProgress | null>('progress');
export const pauseBatchSignal = defineSignal<[by?: Operator | null]>('pause');
export const resumeBatchSignal = defineSignal<[by?: Operator | null]>('resume');
/** New deliveries per second; 0: as fast as they go. */
export const setRateSignal = defineSignal<[ratePerSecond: number, by?: Operator | null]>('setRate');
/** Its row in Postgres says something new. */
export const batchChangedSignal = defineSignal('changed');

/** The workflow of a batch. */
export const batchWorkflowId = (batchId: string) => `replay:${batchId}`;

export function summarize(attempt: KeptAttempt): AttemptSummary {
  const { number, classification, http_status, started_at, next_attempt_at, proof } = attempt;
  return {
    ...{ number, classification, http_status, started_at, next_attempt_at },
    ...(proof === undefined ? {} : { proof }),
  };
}

/** As Temporal may hold it: what was sent to a receiver, and what it answered, is in Postgres only. */
export function withoutContents(attempt: Attempt): Attempt {
  const { response_body: body, retry_after } = attempt;
  return {
    ...attempt,
    request_headers: {},
    response_headers: {},
    response_body: body ? null : body,
    truncated: attempt.truncated || Boolean(body),
    retry_after: retry_after && retry_after.slice(0, MOST_RETRY_AFTER),
  };
}

/** Longer than any that can be read. */
const MOST_RETRY_AFTER = 64;
