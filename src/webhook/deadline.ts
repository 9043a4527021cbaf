import { answered, fail } from './answer.js';
import { PHASES, UNSENT, type Exchange } from './exchange.js';

/** The status decides the outcome: do not hold a connection much longer for a body that is only shown. */
const BODY_MS = 2_000;
/** A timer that fires this late means that the process itself was frozen. */
const FROZEN_MS = 500;

/** Starts the attempt and its deadline. */
export function begin(exchange: Exchange): void {
  exchange.startedAt = new Date();
  exchange.start = exchange.phaseStart = performance.now();
  setTimer(exchange, exchange.request.timeoutMs);
}

/** Stops the deadline until `resume` is called: our own waiting does not count against the receiver. */
export function pauseDeadline(exchange: Exchange): () => void {
  clearTimeout(exchange.timer);
  const began = performance.now();
  return function resume() {
    if (exchange.done) return;
    const waited = performance.now() - began;
    exchange.start += waited;
    exchange.phaseStart += waited;
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
 * An answer that came in time may still be unread in its socket: timers run before socket reads, also after a freeze of
 * this process. So let the sockets be read once, and again for an answer in parts, before the exchange is judged.
 */
function expire(exchange: Exchange, due: number): void {
  const frozen = performance.now() - due > FROZEN_MS;
  if (!UNSENT.includes(exchange.phase)) {
    setImmediate(() => setImmediate(judge, exchange));
  } else if (frozen && !exchange.thawed) {
    // Nothing was sent and the delay was ours: it must not cost the receiver an attempt.
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
  fail(exchange, new Error(message), { fault: 'TIMEOUT', code: null, message });
}
