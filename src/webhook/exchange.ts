import type { SendFault } from '../domain/classify.js';
import type { Timings } from '../domain/delivery.js';
import { newBody, type BodyBytes } from './response-text.js';
import type { TlsFacts } from './tls-facts.js';
import type { TlsIdentity } from './tls-identity.js';

export interface SendRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** Deadline for name, connection, handshake and the headers of the answer. */
  timeoutMs: number;
  /** Asked right before the first byte: false where the right to send has ended. Absent: it has no end. */
  maySend?(): boolean;
  tenant: string;
  /** Requests to one endpoint share its connections. */
  endpointId: string;
  /** The endpoint's own certificates; absent or null: none. */
  tls?: TlsIdentity | null;
  /** A test: on a connection of its own, and the result says how TLS went. */
  inspect?: boolean;
}

interface Sent {
  startedAt: Date;
  latencyMs: number;
  timings: Timings;
  remoteAddress: string | null;
  /** Only of an inspected request, over https. */
  tlsFacts?: TlsFacts;
}

interface Answered {
  kind: 'response';
  status: number;
  headers: Record<string, string>;
  body: string;
  truncated: boolean;
  /** Why the body is cut; null where it is whole or only our limit was reached. */
  error: string | null;
  retryAfter: string | null;
}

interface Failed {
  kind: 'fault';
  fault: SendFault;
  /** A code of Node or OpenSSL, such as ECONNREFUSED or CERT_HAS_EXPIRED; null for a timeout. */
  code: string | null;
  message: string;
  /** A fault has no status: once the headers of an answer are in, the result is a response. */
  status: null;
  headers: Record<string, string>;
  body: null;
  truncated: false;
}

/** Nothing of the request was sent: it was withdrawn, or too many requests or look-ups are under way. */
export class UnsentError extends Error {}

export type SendResult = Sent & (Answered | Failed);

/** Phases before a request's first byte. */
export const UNSENT: readonly Phase[] = ['queue', 'dns', 'connect', 'tls'];

/** Phases of an exchange, as they are worded in the message of a timeout. */
export const PHASES = {
  queue: 'waiting for a free connection',
  dns: 'resolving the name',
  connect: 'connecting',
  tls: 'in the TLS handshake',
  answer: 'waiting for the answer',
  head: 'reading the headers of the answer',
  body: 'reading the body of the answer',
} as const;
export type Phase = keyof typeof PHASES;

/** One request from its start to its result. */
export interface Exchange {
  request: SendRequest;
  /** Null where the request's URL is not an http or https URL. */
  url: URL | null;
  startedAt: Date;
  start: number;
  phase: Phase;
  phaseStart: number;
  timings: Omit<Timings, 'total'>;
  remoteAddress: string | null;
  tlsFacts: TlsFacts | undefined;
  /** Null until the headers of the answer are complete. */
  status: number | null;
  headers: Record<string, string>;
  retryAfter: string | null;
  body: BodyBytes;
  /** Sent again on a new connection, because a reused one had died: bytes of the request may have left before. */
  again: boolean;
  /** The deadline was restarted once, because this process had been frozen. */
  thawed: boolean;
  /** Returns the connection to its pool; null until the exchange has one. */
  release: ((reusable: boolean) => void) | null;
  timer: NodeJS.Timeout | undefined;
  done: boolean;
  resolve(result: Promise<SendResult>): void;
}

export function newExchange(request: SendRequest, url: URL | null, resolve: Exchange['resolve']): Exchange {
  const start = performance.now();
  return {
    request,
    url,
    startedAt: new Date(),
    start,
    phase: 'queue',
    phaseStart: start,
    timings: { dns: null, connect: null, tls: null, first_byte: null },
    remoteAddress: null,
    tlsFacts: undefined,
    status: null,
    headers: {},
    retryAfter: null,
    body: newBody({}),
    again: false,
    thawed: false,
    release: null,
    timer: undefined,
    done: false,
    resolve,
  };
}

/** Enters a phase, and records the time since the previous phase began as the duration of `step`. */
export function enter(exchange: Exchange, phase: Phase, step?: keyof Exchange['timings']): void {
  if (exchange.done) return;
  const now = performance.now();
  if (step) exchange.timings[step] = milliseconds(now - exchange.phaseStart);
  exchange.phase = phase;
  exchange.phaseStart = now;
}

export function finish(
  exchange: Exchange,
  reusable: boolean,
  outcome: () => Promise<Answered | Failed>,
): void {
  if (exchange.done) return;
  exchange.done = true;
  clearTimeout(exchange.timer);
  const total = milliseconds(performance.now() - exchange.start);
  const { startedAt, remoteAddress, tlsFacts, release } = exchange;
  const sent: Sent = { startedAt, latencyMs: total, timings: { ...exchange.timings, total }, remoteAddress };
  if (tlsFacts) sent.tlsFacts = tlsFacts;
  // Release after the current read ends, and before the caller goes on: the caller may send again at once.
  queueMicrotask(() => {
    release?.(reusable);
    exchange.resolve(outcome().then((result) => ({ ...sent, ...result })));
  });
}

export const TOO_LATE = 'the right to send it ended before it was sent';

/** Whether the request may still be sent. */
export const inTime = ({ request }: Exchange): boolean => request.maySend?.() ?? true;

/** Ends the exchange without an attempt. */
export function unsent(exchange: Exchange, why: string): void {
  finish(exchange, false, async () => {
    throw new UnsentError(why);
  });
}

function milliseconds(value: number): number {
  return Math.round(value * 10) / 10;
}
