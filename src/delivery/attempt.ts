import type { Logger } from 'pino';
import type { AttemptRecord } from '../db/attempts.js';
import type { AttemptTarget } from '../db/deliveries.js';
import { classifyStatus, nextStep, type NextStep } from '../domain/classify.js';
import type { Attempt, Classification, DeliveryStatus } from '../domain/delivery.js';
import { isOpen } from '../domain/delivery.js';
import { retryDelay, type RetryPolicy } from '../domain/retry-schedule.js';
import { newId } from '../lib/ids.js';
import { credentialsIn, redactEchoes, redactHeaders } from '../domain/redact.js';
import { bodyOf, JSON_TYPE } from '../webhook/content.js';
import { requestHeaders } from '../webhook/request-headers.js';
import { UnsentError, type Sender, type SendResult } from '../webhook/send.js';
import { sign } from '../webhook/sign.js';
import type { SecretCipher } from '../lib/secret-cipher.js';

export interface AttemptDeps {
  load(deliveryId: string): Promise<AttemptTarget | null>;
  record(record: AttemptRecord): Promise<void>;
  hold(why: { id: string; reason: string }): Promise<void>;
  /** Says in the delivery why it does not get on. */
  note(why: { id: string; reason: string }): Promise<void>;
  /** Why nothing of a tenant may be sent now, as this process knows it; null: go on. */
  paused(tenant: string): string | null;
  /** For the metrics. */
  count(classification: Classification): void;
  end(deliveryIds: string[], status: 'FAILED' | 'CANCELLED', reason: string): Promise<string[]>;
  sender: Sender;
  secrets: SecretCipher;
  retryPolicy: RetryPolicy;
  /** Multiplies every retry delay; 1 but in tests and demos. */
  retryScale: number;
  version: string;
  log: Logger;
}

export type AttemptOutcome =
  | {
      kind: 'delivered' | 'retry' | 'failed';
      attempt: Attempt;
      delayMs: number | null;
      record: AttemptRecord;
      recorded: boolean;
    }
  | { kind: 'held'; reason: string; retryInMs: number | null }
  | { kind: 'ended'; status: DeliveryStatus; reason: string | null };

/** How long a delivery rests after a fault of ours before anything was sent; its workflow makes it longer each time. */
export const OWN_FAULT_DELAY_MS = 1_000;

/**
 * Makes attempt `number` of a delivery, whole: gate, sign, send, classify, record. A receiver's fault is
 * an outcome, and a fault of ours before sending holds the delivery, so that it costs the receiver no attempt. `target`:
 * where all it needs is known already. `keep`: asked where a retry follows, whether it is to wait in Postgres.
 */
export async function makeAttempt(
  deps: AttemptDeps,
  input: {
    deliveryId: string;
    number: number;
    maxAttempts: number;
    target?: AttemptTarget;
    keep?: () => boolean;
  },
): Promise<AttemptOutcome> {
  const { deliveryId, maxAttempts } = input;
  let target: AttemptTarget | null;
  let secrets: string[];
  try {
    target = input.target ?? (await deps.load(deliveryId));
    if (!target) return { kind: 'ended', status: 'CANCELLED', reason: 'NOT_FOUND' };
    const held = await gate(deps, deliveryId, target);
    if (held) return held;
    secrets = target.sealed_secrets.map((sealed) => deps.secrets.open(sealed));
  } catch (error) {
    deps.log.error({ err: error, delivery_id: deliveryId }, 'attempt put off by a fault of ours');
    const reason = `put off by a fault of ours: ${error instanceof Error ? error.message : String(error)}`;
    // Where Postgres is what is away, nobody can be told.
    await deps.note({ id: deliveryId, reason }).catch(() => {});
    return { kind: 'held', reason, retryInMs: OWN_FAULT_DELAY_MS };
  }
  // Asked last: from here to the request nothing waits.
  const paused = deps.paused(target.tenant);
  if (paused) return hold(deps, deliveryId, paused);

  const { endpoint } = target;
  // A trail that an operator reset knows less than the history does.
  const number = Math.max(input.number, target.attempt_count + 1);
  const timestamp = Math.floor(Date.now() / 1000);
  const contentType = target.event_content_type ?? endpoint.content_type ?? JSON_TYPE;
  const body = bodyOf(target.payload, contentType);
  const headers = requestHeaders({
    own: endpoint.headers,
    ofEvent: target.event_headers ?? {},
    contentType,
    eventId: target.event_id,
    timestamp,
    signature: sign(secrets, target.event_id, timestamp, body),
    attempt: number,
    eventType: target.event_type,
    version: deps.version,
  });
  let result: SendResult;
  try {
    result = await deps.sender.send({
      url: endpoint.url,
      headers,
      body,
      timeoutMs: endpoint.timeout_ms,
      tenant: target.tenant,
      endpointId: endpoint.id,
    });
  } catch (error) {
    if (!(error instanceof UnsentError)) throw error;
    const pausedSince = deps.paused(target.tenant);
    if (pausedSince) return hold(deps, deliveryId, pausedSince);
    await deps.note({ id: deliveryId, reason: error.message }).catch(() => {});
    return { kind: 'held', reason: error.message, retryInMs: OWN_FAULT_DELAY_MS };
  }

  const attempt = describe(number, headers, result);
  const step = nextStep(attempt.classification, endpoint.retry_on);
  const delayMs =
    step === 'retry' && number < maxAttempts
      ? retryDelay({
          policy: deps.retryPolicy,
          number,
          retryAfter: attempt.retry_after,
          now: answeredAt(attempt),
          random: Math.random,
          scale: deps.retryScale,
        })
      : null;
  if (delayMs !== null) attempt.next_attempt_at = new Date(Date.now() + delayMs).toISOString();

  const keep = delayMs !== null && input.keep?.() === true;
  const record = { ...attemptRecord(deliveryId, attempt, step), keep, url: endpoint.url };
  const recorded = await deps.record(record).then(
    () => true,
    (error: unknown) => {
      deps.log.error({ err: error, delivery_id: deliveryId }, 'attempt made but not yet recorded');
      return false;
    },
  );
  deps.count(attempt.classification);
  deps.log.info(
    {
      delivery_id: deliveryId,
      event_id: target.event_id,
      endpoint_id: endpoint.id,
      tenant: target.tenant,
      workflow_id: target.workflow_id,
      attempt: number,
      classification: attempt.classification,
      http_status: attempt.http_status,
      latency_ms: attempt.latency_ms,
      status: record.status,
      next_attempt_at: attempt.next_attempt_at,
    },
    'attempt',
  );
  const kind = record.status === 'DELIVERED' ? 'delivered' : delayMs !== null ? 'retry' : 'failed';
  return { kind, attempt, delayMs, record, recorded };
}

async function gate(
  deps: AttemptDeps,
  deliveryId: string,
  target: AttemptTarget,
): Promise<AttemptOutcome | null> {
  if (!isOpen(target)) {
    return { kind: 'ended', status: target.status, reason: target.status_reason };
  }
  if (target.endpoint.deleted) {
    await deps.end([deliveryId], 'FAILED', 'ENDPOINT_DELETED');
    return { kind: 'ended', status: 'FAILED', reason: 'ENDPOINT_DELETED' };
  }
  if (target.withdrawn) {
    await deps.end([deliveryId], 'CANCELLED', 'batch cancelled');
    return { kind: 'ended', status: 'CANCELLED', reason: 'batch cancelled' };
  }
  return target.held === null ? null : hold(deps, deliveryId, target.held);
}

/** Not to be sent now: it waits, in the history too, until the sweeper lets it go on. */
async function hold(deps: AttemptDeps, deliveryId: string, reason: string): Promise<AttemptOutcome> {
  try {
    await deps.hold({ id: deliveryId, reason });
    return { kind: 'held', reason, retryInMs: null };
  } catch (error) {
    // Without the row nobody would let it go on: it asks again by itself.
    deps.log.error({ err: error, delivery_id: deliveryId }, 'delivery held, but not yet in its record');
    return { kind: 'held', reason, retryInMs: OWN_FAULT_DELAY_MS };
  }
}

function describe(number: number, headers: Record<string, string>, result: SendResult): Attempt {
  const answered = result.kind === 'response';
  const credentials = credentialsIn(headers);
  return {
    id: newId('att', result.startedAt),
    number,
    started_at: result.startedAt.toISOString(),
    latency_ms: result.latencyMs,
    timings: result.timings,
    remote_address: result.remoteAddress,
    http_status: result.status,
    classification: answered ? classifyStatus(result.status) : result.fault,
    error: answered ? result.error : result.message,
    request_headers: redactHeaders(headers),
    response_headers: redactHeaders(result.headers, credentials),
    response_body: result.body && redactEchoes(result.body, credentials),
    truncated: result.truncated,
    retry_after: answered ? result.retryAfter : null,
    next_attempt_at: null,
  };
}

/** When the receiver answered: a date in `Retry-After` is by its clock, as `Date` is (RFC 9110 section 6.6.1). */
function answeredAt({ response_headers }: Attempt): Date {
  const told = new Date(response_headers.date ?? NaN);
  return Number.isNaN(told.getTime()) ? new Date() : told;
}

/** What an attempt means for its delivery. A retry that is not to come has used up its attempts. */
export function attemptRecord(deliveryId: string, attempt: Attempt, step: NextStep): AttemptRecord {
  const gone = step === 'gone';
  if (step === 'delivered') return { deliveryId, attempt, status: 'DELIVERED', reason: null, gone };
  if (attempt.next_attempt_at !== null)
    return { deliveryId, attempt, status: 'IN_PROGRESS', reason: null, gone };
  const exhausted = step === 'retry' && attempt.classification !== 'WORKER_LOST';
  const reason = exhausted ? 'ATTEMPTS_EXHAUSTED' : attempt.classification;
  return { deliveryId, attempt, status: 'FAILED', reason, gone };
}

/** An attempt nobody has told the end of. `next`: when another follows; `startedAt`: where it is known, now where not. */
export function lostAttempt(number: number, next: Date | null, startedAt = new Date()): Attempt {
  return {
    id: newId('att', startedAt),
    number,
    started_at: startedAt.toISOString(),
    latency_ms: 0,
    timings: null,
    remote_address: null,
    http_status: null,
    classification: 'WORKER_LOST',
    error:
      'The process died or lost its connection during this attempt; the receiver may have got the request.',
    request_headers: {},
    response_headers: {},
    response_body: null,
    truncated: false,
    retry_after: null,
    next_attempt_at: next && next.toISOString(),
  };
}
