import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { BatchPlan, BatchProgress } from '../src/domain/batch.js';
import type { Attempt, DeliveryStatus } from '../src/domain/delivery.js';
import { parseRetryAfter } from '../src/domain/retry-after.js';

/** The contract of client, workflows and activities: queue, names, payloads. Ids only: no secret, no payload. */

export const TASK_QUEUE = 'surehook';

export interface DeliverWebhookInput {
  eventId: string;
  tenant: string;
  /** Empty for an event with more deliveries than one workflow may have, and for each of its parts. */
  deliveries: DeliveryInput[];
  /** The number of its parts, each a child workflow; 0: none. */
  parts: number;
  /** Search attributes that the namespace cannot hold: none of these is set. */
  without?: string[];
}

export interface DeliveryInput {
  id: string;
  endpointId: string;
}

/** The deliveries of one part of a wide event. */
export interface ListDeliveriesInput {
  eventId: string;
  workflowId: string;
}

export interface SendAttemptInput {
  deliveryId: string;
}

/** Heartbeat details of sendAttempt, for the Web UI and for its next try. */
export interface Trail {
  /** The attempts so far of a delivery that is still retrying. */
  attempts: Attempt[];
  /** Tries in sequence that found the delivery held. */
  held?: number;
}

/** How sendAttempt ended. A failed delivery is a failure with EndedDetails. */
export type SendAttemptResult =
  | { kind: 'ended'; status: DeliveryStatus; reason: string | null; attempts: AttemptSummary[] }
  /** An attempt was made and Postgres did not take its record: once it has, sendAttempt goes on. */
  | { kind: 'unrecorded'; record: UnrecordedAttempt; attempts: AttemptSummary[] };

/** Everything the record of an attempt needs. `proof`: shows that Surehook made the attempt (attempt-proof.ts). */
export interface UnrecordedAttempt {
  claim: number;
  attempt: Attempt;
  proof: string;
}

/** Details of the failure that ends sendAttempt when its delivery has FAILED. */
export type EndedDetails = [{ reason: string | null; attempts: AttemptSummary[] }];

export interface RecordOutcomeInput extends UnrecordedAttempt {
  deliveryId: string;
}

export interface EndDeliveriesInput {
  deliveryIds: string[];
  status: Extract<DeliveryStatus, 'FAILED' | 'CANCELLED'>;
  reason: string;
  /** Decided by a tool of Temporal's, and not by an attempt. */
  byTemporal: boolean;
}

/** Whether a result is one that `sendAttempt` gives: anybody who reaches Temporal can complete an activity. */
export function isSendAttemptResult(result: unknown): result is SendAttemptResult {
  const { kind, status, record } = (result ?? {}) as Record<string, unknown>;
  if (!hasAttempts(result)) return false;
  if (kind === 'ended') return ['DELIVERED', 'FAILED', 'CANCELLED'].includes(String(status));
  const { claim, attempt } = (record ?? {}) as Record<string, unknown>;
  return kind === 'unrecorded' && Number.isInteger(claim) && isNumbered(attempt);
}

/** The same of the details of a failure. */
export function hasAttempts(details: unknown): details is EndedDetails[0] {
  const { attempts } = (details ?? {}) as Record<string, unknown>;
  return Array.isArray(attempts) && attempts.every(isNumbered);
}

const isNumbered = (entry: unknown) => Number.isInteger((entry as { number?: unknown } | null)?.number);

export interface AttemptSummary {
  number: number;
  classification: string;
  http_status: number | null;
  started_at: string;
  next_attempt_at: string | null;
}

export interface DeliveryState {
  id: string;
  endpoint_id: string;
  status: DeliveryStatus;
  reason: string | null;
  attempts: AttemptSummary[];
}

/** A part of a wide event, as its parent workflow sees it. */
export interface PartState {
  workflow_id: string;
  /** ELSEWHERE: its workflow was started without this one. */
  status: 'WAITING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'ELSEWHERE';
}

/** `temporal workflow query --type state`: every delivery's status and attempts so far, or the parts to ask for them. */
export const stateQuery = defineQuery<DeliveryState[] | PartState[]>('state');
/** A failed attempt, signalled by sendAttempt: an activity that is still retrying has no result yet. */
export const attemptedSignal = defineSignal<[deliveryId: string, attempt: AttemptSummary]>('attempted');
/** The deliveries are CANCELLED in Postgres already: their attempts end, the other deliveries go on. */
export const cancelDeliveriesSignal = defineSignal<[deliveryIds: string[]]>('cancelDeliveries');

export interface ReplayBatchInput {
  batchId: string;
  /** From one run to the next: when the next items may be processed, milliseconds since 1970, and at which rate. */
  notBefore?: number;
  ratePerSecond?: number;
}

/** The actor and the reason of a change of a batch; absent for operators who use Temporal's own tools. */
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
  /** Whether to count the outcomes of the deliveries so far. */
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
/** The row of the batch in Postgres has changed. */
export const batchChangedSignal = defineSignal('changed');

/** The workflow of a batch. */
export const batchWorkflowId = (batchId: string) => `replay:${batchId}`;

export function summarize(attempt: Attempt): AttemptSummary {
  const { number, classification, http_status, started_at, next_attempt_at } = attempt;
  return { number, classification, http_status, started_at, next_attempt_at };
}

/** As Temporal may hold it: what was sent to a receiver, and what it answered, is in Postgres only. */
export function withoutContents(attempt: Attempt): Attempt {
  const { response_body: body, retry_after, started_at } = attempt;
  return {
    ...attempt,
    request_headers: {},
    response_headers: {},
    response_body: body ? null : body,
    truncated: attempt.truncated || Boolean(body),
    // A value that is no time may be any part of the answer.
    retry_after: parseRetryAfter(retry_after, new Date(started_at)) === null ? null : retry_after,
  };
}
