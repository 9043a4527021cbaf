import { answered, fail } from './answer.js';
import { PHASES, UNSENT, type Exchange } from './exchange.js';

/** The status is what counts: a connection is not held much longer for a body that is only shown. */
const BODY_MS = 2_000;
/** A timer that comes so late means that this process itself stood still. */
const FROZEN_MS = 500;

/** Starts the attempt: from here on its deadline runs. */
export function begin(exchange: Exchange): void {
  exchange.startedAt = new Date();
  exchange.start = exchange.phaseStart = performance.now();
  setTimer(exchange, exchange.request.timeoutMs);
}

/** Until `resume` its deadline stands still: time that we take ourselves is not the receiver's. */
export function pauseDeadline(exchange: Exchange): () => void {
  clearTimeout(exchange.timer);
  const began = performance.now();
  return function resume() {
    if (exchange.done) return;
    const waited = performance.now() - began;
    exchange.start += waited;
    exchange.startedAt = new Date(exchange.startedAt.getTime() + waited);
    setTimer(exchange, exchange.request.timeoutMs - (began + waited - exchange.start));
  };
}

export function boundBodyTime(exchange: Exchange): void {
  if (exchange.done) return;
  const left = exchange.start + exchange.request.timeoutMs - performance.now();
  setTimer(exchange, Math.max(0, Math.min(BODY_MS, left)));
}

function setTimer(exchange: Exchange, ms: number): void {
  clearTimeout(exchange.timer);
  exchange.timer = setTimeout(expire, ms, exchange, performance.now() + ms);
}

/**
 * An answer that came in time may still lie in its socket: timers run before sockets are read, also after this process
 * was frozen. So the sockets are read once more, and once again for an answer in parts, before it is judged.
 */
function expire(exchange: Exchange, due: number): void {
  const frozen = performance.now() - due > FROZEN_MS;
  if (!UNSENT.includes(exchange.phase)) {
    setImmediate(() => setImmediate(judge, exchange));
  } else if (frozen && !exchange.thawed) {
    // Nothing was sent, and the time was ours: the receiver loses no attempt by it.
    exchange.thawed = true;
    setTimer(exchange, exchange.request.timeoutMs);
  } else judge(exchange);
}

function judge(exchange: Exchange): void {
  const { phase, phaseStart, remoteAddress, request } = exchange;
  if (phase === 'body') {
    const ms = Math.round(performance.now() - phaseStart);
    const error = `Time ran out while ${PHASES.body}, ${ms} ms after its headers.`;
    return answered(exchange, { cut: true, error, reusable: false });
  }
  const where = phase === 'connect' && remoteAddress ? `connecting to ${remoteAddress}` : PHASES[phase];
  const message = `No complete answer within ${request.timeoutMs} ms: time ran out while ${where}.`;
  fail(exchange, new Error(message), { fault: 'TIMEOUT', message });
}
