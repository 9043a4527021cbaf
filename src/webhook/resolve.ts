import { lookup, type LookupAddress } from 'node:dns';
import { createLane, type Lane, type Turn } from './turns.js';

/** libuv resolves names on at most half of its threads; our start-up sets UV_THREADPOOL_SIZE to 64. */
const THREADS = Math.ceil((Number(process.env.UV_THREADPOOL_SIZE) || 4) / 2);
/** A look-up that takes longer has a resolver that hangs. */
const SLOW_MS = 1_000;
/** A domain counts as slow for this time after its last slow look-up. */
const SLOW_FOR_MS = 10 * 60_000;
const MAX_WAIT_MS = 5_000;
const MAX_QUICK_NAMES = 20_000;
const MAX_SLOW_DOMAINS = 10_000;

/** The name was not looked up: too many others are being resolved. */
export class NoTurnError extends Error {
  constructor() {
    super('too many names are being resolved at once');
  }
}

export interface Asker {
  tenant: string;
  /** Called when the look-up itself starts: the wait before it is ours. Not called before a NoTurnError. */
  onStart?: () => void;
}

interface Job extends Turn {
  host: string;
  lane: Lane<Job>;
  timer: NodeJS.Timeout;
  started: (() => void)[];
  promise: Promise<LookupAddress[]>;
  settle(result: Promise<LookupAddress[]>): void;
}

export type Resolve = (host: string, asker: Asker) => Promise<LookupAddress[]>;

/**
 * A resolver that hangs holds a thread for 10 s or more, and the look-up cannot be cancelled. So names that were quick
 * last time may use all threads, names never seen before at most 3/8 of them, and new names of a slow domain 1/4, both
 * together half. Each tenant and each domain has a limit within each share, so that none takes all of it.
 */
export function createResolver(threads: number): Resolve {
  const share = (part: number) => Math.max(1, Math.floor(threads * part));
  const quick = createLane<Job>({ all: threads, tenant: share(1 / 2), domain: share(1 / 4) });
  const fresh = createLane<Job>({ all: share(3 / 8), tenant: share(1 / 4), domain: share(1 / 8) });
  const slow = createLane<Job>({ all: share(1 / 4), tenant: share(3 / 16), domain: share(1 / 16) });
  const waiting = new Map<string, Job>();
  const running = new Map<string, Job>();
  const quickNames = new Set<string>();
  /** Domain to the time until which it counts as slow. */
  const slowDomains = new Map<string, number>();

  const isSlow = (domain: string) => (slowDomains.get(domain) ?? 0) > performance.now();

  /** Concurrent look-ups of one name share one thread and one answer. */
  function resolve(host: string, { tenant, onStart }: Asker): Promise<LookupAddress[]> {
    const pending = running.get(host);
    if (pending) {
      onStart?.();
      return pending.promise;
    }
    // Share a waiting look-up only within the tenant: another tenant's may wait for that tenant's limit.
    const job = waiting.get(`${tenant} ${host}`) ?? enqueue(host, tenant);
    if (onStart) job.started.push(onStart);
    startWaiting();
    return job.promise;
  }

  function enqueue(host: string, tenant: string): Job {
    const domain = domainOf(host);
    const lane = quickNames.has(host) ? quick : isSlow(domain) ? slow : fresh;
    let settle!: Job['settle'];
    const promise = new Promise<LookupAddress[]>((done) => (settle = done));
    const giveUp = () => {
      remove(job);
      settle(Promise.reject(new NoTurnError()));
    };
    const timer = setTimeout(giveUp, MAX_WAIT_MS);
    const job: Job = { host, tenant, domain, lane, timer, started: [], promise, settle };
    waiting.set(`${tenant} ${host}`, job);
    if (!lane.add(job)) giveUp();
    return job;
  }

  function remove(job: Job): void {
    clearTimeout(job.timer);
    waiting.delete(`${job.tenant} ${job.host}`);
    job.lane.remove(job);
  }

  function startWaiting(): void {
    for (let job = next(); job; job = next()) {
      remove(job);
      const { promise } = running.get(job.host) ?? { promise: start(job) };
      for (const started of job.started) started();
      job.settle(promise);
    }
  }

  function next(): Job | null {
    if (running.size >= threads) return null;
    const job = quick.next();
    if (job || fresh.running() + slow.running() >= share(1 / 2)) return job;
    for (let other = fresh.next(); other; other = fresh.next()) {
      if (!isSlow(other.domain)) return other;
      // The domain turned out to be slow while this name waited.
      fresh.remove(other);
      other.lane = slow;
      slow.add(other);
    }
    return slow.next();
  }

  async function start(job: Job): Promise<LookupAddress[]> {
    const { host, lane, domain } = job;
    lane.begin(job);
    running.set(host, job);
    let isQuick = true;
    const late = setTimeout(() => {
      isQuick = false;
      quickNames.delete(host);
      remember(slowDomains, domain, MAX_SLOW_DOMAINS);
      slowDomains.set(domain, performance.now() + SLOW_FOR_MS);
    }, SLOW_MS).unref();
    try {
      return await lookupAll(host);
    } finally {
      clearTimeout(late);
      if (isQuick) {
        remember(quickNames, host, MAX_QUICK_NAMES);
        quickNames.add(host);
      }
      running.delete(host);
      lane.end(job);
      startWaiting();
    }
  }

  return resolve;
}

export const resolve = createResolver(THREADS);

/** Makes room for `key` by evicting the least recently used key. */
function remember(kept: Set<string> | Map<string, unknown>, key: string, most: number): void {
  kept.delete(key);
  const [oldest] = kept.keys();
  if (kept.size >= most && oldest !== undefined) kept.delete(oldest);
}

const REGISTRY = /^(ac|co|com|edu|gov|ne|net|or|org)\.[a-z]{2}$/;

/**
 * The domain whose name servers most likely serve a name: two labels, or three below suffixes such as `co.uk`. Without
 * the public suffix list, customers of a few registries share one limit, which matters only while their names are new.
 */
export function domainOf(host: string): string {
  const labels = host.toLowerCase().replace(/\.$/, '').split('.');
  const two = labels.slice(-2).join('.');
  return REGISTRY.test(two) ? labels.slice(-3).join('.') : two;
}

function lookupAll(host: string): Promise<LookupAddress[]> {
  return new Promise((done, fail) => {
    lookup(host, { all: true }, (error, addresses) => (error ? fail(error) : done(addresses)));
  });
}
