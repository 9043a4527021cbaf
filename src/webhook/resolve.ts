import { lookup, type LookupAddress } from 'node:dns';

/** libuv looks names up on half of its threads, and UV_THREADPOOL_SIZE is 64 where we are started. */
const AT_ONCE = 32;
/** A name that took so long the last time has a resolver that hangs … */
const SLOW_MS = 1_000;
/** … and such names have these of the threads, however many they are: the others never wait for them. */
const SLOW_AT_ONCE = 8;
const MOST_SLOW = 10_000;

const resolving = new Map<string, Promise<LookupAddress[]>>();
const slow = new Set<string>();
const waiting = new Map<string, (isSlow: boolean) => void>();
let running = 0;
let slowRunning = 0;

/** A name asked for by many connections at once takes one thread; all of them get its answer. */
export function resolve(host: string): Promise<LookupAddress[]> {
  const pending = resolving.get(host);
  if (pending) return pending;
  const started = inTurn(host).finally(() => resolving.delete(host));
  resolving.set(host, started);
  return started;
}

async function inTurn(host: string): Promise<LookupAddress[]> {
  const wasSlow = await new Promise<boolean>((start) => {
    waiting.set(host, start);
    startWaiting();
  });
  const began = performance.now();
  try {
    return await lookupAll(host);
  } finally {
    if (slow.size >= MOST_SLOW) slow.clear();
    if (performance.now() - began < SLOW_MS) slow.delete(host);
    else slow.add(host);
    running -= 1;
    if (wasSlow) slowRunning -= 1;
    startWaiting();
  }
}

function startWaiting(): void {
  for (const [host, start] of waiting) {
    if (running >= AT_ONCE) return;
    const isSlow = slow.has(host);
    if (isSlow && slowRunning >= SLOW_AT_ONCE) continue;
    waiting.delete(host);
    running += 1;
    if (isSlow) slowRunning += 1;
    start(isSlow);
  }
}

function lookupAll(host: string): Promise<LookupAddress[]> {
  return new Promise((done, fail) => {
    lookup(host, { all: true }, (error, addresses) => (error ? fail(error) : done(addresses)));
  });
}
