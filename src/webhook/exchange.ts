import type { SendFault } from '../domain/classify.js';
import type { Timings } from '../domain/delivery.js';
import { newBody, type BodyBytes } from './response-text.js';

export interface SendRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** For name, connection, handshake and the headers of the answer. */
  timeoutMs: number;
  /** Whose it is. */
  tenant: string;
  /** Those of one endpoint share its connections. */
  endpointId: string;
}

interface Sent {
  startedAt: Date;
  latencyMs: number;
  timings: Timings;
  remoteAddress: string | null;
}

interface Answered {
  kind: 'response';
  status: number;
  headers: Record<string, string>;
  body: string;
  truncated: boolean;
  /** Why the body is not whole; null where it is, or where only our limit was reached. */
  error: string | null;
  retryAfter: string | null;
}

interface Failed {
  kind: 'fault';
  fault: SendFault;
  message: string;
  /** No answer came: once its headers are in, whatever follows is a response. */
  status: null;
  headers: Record<string, string>;
  body: null;
  truncated: false;
}

/** Nothing of the request was sent: it was called back, or its endpoint has too many under way. */
export class UnsentError extends Error {}

export type SendResult = Sent & (Answered | Failed);

/** Phases before a request's first byte. */
export const UNSENT: readonly Phase[] = ['queue', 'dns', 'connect', 'tls'];

/** What an exchange is doing, in the words a person reads when its time is up. */
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
  /** Null where the request's is none. */
  url: URL | null;
  startedAt: Date;
  start: number;
  phase: Phase;
  phaseStart: number;
  timings: Omit<Timings, 'total'>;
  remoteAddress: string | null;
  /** Null until the headers of the answer are in. */
  status: number | null;
  headers: Record<string, string>;
  retryAfter: string | null;
  body: BodyBytes;
  /** Made again on a new connection, because a reused one had died: bytes of it may have left before. */
  again: boolean;
  /** Its deadline began anew: the process itself had stood still. */
  thawed: boolean;
  /** Gives back the connection it runs on; null until it has one. */
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

/** Goes on to a phase; the time since the last one is what `step` took. */
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
  const { startedAt, remoteAddress, release } = exchange;
  const sent = { startedAt, latencyMs: total, timings: { ...exchange.timings, total }, remoteAddress };
  // Not while the answer is still being read; and before the caller goes on, who may send again at once.
  queueMicrotask(() => {
    release?.(reusable);
    exchange.resolve(outcome().then((result) => ({ ...sent, ...result })));
  });
}

/** Ends it as no attempt. */
export function unsent(exchange: Exchange, why: string): void {
  finish(exchange, false, async () => {
    throw new UnsentError(why);
  });
}

function milliseconds(value: number): number {
  return Math.round(value * 10) / 10;
}
