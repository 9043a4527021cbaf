import type { AttemptRecord } from '../../src/db/open-deliveries/index.js';
import type { DeliveryStatus } from '../../src/domain/delivery.js';

/** A delivery as it should be: written down without SQL, to be compared with the database. */
export interface ModelDelivery {
  id: string;
  eventId: string;
  endpoint: string;
  state: 'ready' | 'claimed' | 'ended';
  /** Decided, or with `state` ended final. */
  end: { status: 'DELIVERED' | 'FAILED' | 'CANCELLED'; reason: string | null } | null;
  /** Classifications, in order. */
  attempts: string[];
  maxAttempts: number;
  claims: number;
  claimedBy: string | null;
  expired: boolean;
  /** When the next attempt is due: `overdue` also for the poller where the workflow should make it. */
  due: 'later' | 'now' | 'overdue';
  runBy: 'workflow' | 'queue';
  /** Claims that were ended although their attempt was under way: it may still be recorded. */
  lost: { claim: number; number: number }[];
  /** Made under claims that are over: repeating them changes nothing. */
  recorded: AttemptRecord[];
}

export interface ModelEndpoint {
  id: string;
  tenant: string;
  paused: boolean;
  deleted: boolean;
}

export interface Model {
  endpoints: ModelEndpoint[];
  deliveries: ModelDelivery[];
  /** Control scopes that are paused. */
  pauses: Set<string>;
}

export const newModel = (endpoints: { id: string; tenant: string }[]): Model => ({
  endpoints: endpoints.map((one) => ({ ...one, paused: false, deleted: false })),
  deliveries: [],
  pauses: new Set(),
});

export const newDelivery = (
  over: Pick<ModelDelivery, 'id' | 'eventId' | 'endpoint' | 'maxAttempts'> & Partial<ModelDelivery>,
): ModelDelivery => ({
  state: 'ready',
  end: null,
  attempts: [],
  claims: 0,
  claimedBy: null,
  expired: false,
  due: 'now',
  runBy: 'queue',
  lost: [],
  recorded: [],
  ...over,
});

export const endpointOf = (model: Model, { endpoint }: { endpoint: string }): ModelEndpoint =>
  model.endpoints.find(({ id }) => id === endpoint)!;

export function isHeld(model: Model, delivery: { endpoint: string }): boolean {
  const { tenant, paused, deleted } = endpointOf(model, delivery);
  return model.pauses.has('all') || model.pauses.has(`tenant:${tenant}`) || (paused && !deleted);
}

export const isDueForPoller = ({ due, runBy }: ModelDelivery): boolean =>
  due === 'overdue' || (due === 'now' && runBy === 'queue');

export function claim(delivery: ModelDelivery, process: string, runBy: 'workflow' | 'queue'): void {
  Object.assign(delivery, { state: 'claimed', claimedBy: process, expired: false, runBy });
  delivery.claims += 1;
}

export function end(
  delivery: ModelDelivery,
  status: 'DELIVERED' | 'FAILED' | 'CANCELLED',
  reason: string | null,
): void {
  Object.assign(delivery, { state: 'ended', end: { status, reason }, claimedBy: null });
}

/** An attempt ends the claim. */
export function record(
  delivery: ModelDelivery,
  classification: string,
  next: { due: 'now' | 'later' } | { status: 'DELIVERED' | 'FAILED'; reason: string | null },
): void {
  delivery.attempts.push(classification);
  if ('status' in next && next.status === 'DELIVERED') end(delivery, 'DELIVERED', null);
  else if (delivery.end) end(delivery, delivery.end.status, delivery.end.reason);
  else if ('status' in next) end(delivery, next.status, next.reason);
  else Object.assign(delivery, { state: 'ready', claimedBy: null, due: next.due });
}

export function lose(delivery: ModelDelivery): void {
  const number = delivery.attempts.length + 1;
  delivery.lost.push({ claim: delivery.claims, number });
  record(
    delivery,
    'WORKER_LOST',
    number < delivery.maxAttempts ? { due: 'now' } : { status: 'FAILED', reason: 'WORKER_LOST' },
  );
  delivery.runBy = 'queue';
}

/** The record of a claim that is over. */
export function recordLate(delivery: ModelDelivery, number: number, classification: string): void {
  const known = delivery.attempts[number - 1];
  if (known !== undefined && known !== 'WORKER_LOST') return;
  delivery.attempts[number - 1] = classification;
  if (classification !== 'DELIVERED') return;
  if (delivery.state !== 'ended') {
    // The attempt that is under way may still be recorded.
    if (delivery.state === 'claimed')
      delivery.lost.push({ claim: delivery.claims, number: delivery.attempts.length + 1 });
    return end(delivery, 'DELIVERED', null);
  }
  const { status, reason } = delivery.end!;
  if (status === 'CANCELLED' || reason === 'ENDPOINT_DELETED' || reason === 'WORKER_LOST')
    end(delivery, 'DELIVERED', null);
}

export function release(delivery: ModelDelivery, due: 'later' | null): void {
  if (delivery.end) end(delivery, delivery.end.status, delivery.end.reason);
  else Object.assign(delivery, { state: 'ready', claimedBy: null, due: due ?? delivery.due });
}

/** True if it was open. */
export function decideEnd(delivery: ModelDelivery, status: 'FAILED' | 'CANCELLED', reason: string): boolean {
  if (delivery.end) return false;
  if (delivery.state === 'ready') end(delivery, status, reason);
  else delivery.end = { status, reason };
  return true;
}

export function statusOf(model: Model, delivery: ModelDelivery): DeliveryStatus {
  if (delivery.end) return delivery.end.status;
  if (delivery.state === 'ready' && isHeld(model, delivery)) return 'HELD';
  return delivery.attempts.length === 0 ? 'PENDING' : 'IN_PROGRESS';
}
