import { CLAIM_MS } from '../../src/delivery/in-process-runner.js';
import type { Cluster, Lane } from './cluster.js';
import type { Part } from './part.js';
import { sleep } from './wait.js';

/** How long the faults last. */
export interface Durations {
  /** A killed process until it is started again. */
  downMs: number;
  frozenMs: number;
  /** Temporal away; a pair of parts that cannot connect. */
  awayMs: number;
  refusedMs: number;
}

export interface Fault {
  name: string;
  /** Of the API. */
  lane: Lane;
  /** A process or its connection to the receiver is lost in the middle of requests: only then may they be repeated. */
  mayRepeat: boolean;
  /** A reused connection that dies before an answer is replaced within the attempt: then a request may come twice. */
  requestsPerAttempt?: number;
  /** Resolves when everything is back. */
  strike(cluster: Cluster): Promise<void>;
}

type Pick = (cluster: Cluster) => Part;

export function faultTable({ downMs, frozenMs, awayMs, refusedMs }: Durations): Fault[] {
  const parts: [name: string, pick: Pick, mayRepeat: boolean][] = [
    ['the api', ({ api }) => api, false],
    ['a worker of two', ({ workers }) => workers[0], true],
    ['temporal', ({ temporal }) => temporal, false],
    ['postgres', ({ postgres }) => postgres, false],
  ];
  const pairs: [pair: keyof Cluster['proxies'], mayRepeat: boolean][] = [
    ['sender→api', false],
    ['api→postgres', false],
    ['worker→postgres', false],
    ['api→temporal', false],
    ['worker→temporal', false],
    ['worker→receiver', true],
  ];
  const faults: Omit<Fault, 'lane'>[] = [
    ...parts.map(([name, pick, mayRepeat]) => ({
      name: `kill -9 of ${name}`,
      mayRepeat,
      strike: away(pick, 'kill', downMs),
    })),
    ...parts.map(([name, pick, mayRepeat]) => ({
      name: `SIGSTOP of ${name} for ${frozenMs / 1000} s`,
      mayRepeat,
      strike: frozen(pick, frozenMs),
    })),
    // Ended as they should be, they lose nothing that would have to be repeated.
    ...parts.map(([name, pick]) => ({
      name: `${name} restarted`,
      mayRepeat: false,
      strike: away(pick, 'stop', 0),
    })),
    { name: 'kill -9 of everything', mayRepeat: true, strike: machineLost },
    {
      name: `temporal away for ${awayMs / 1000} s`,
      mayRepeat: false,
      strike: away(({ temporal }) => temporal, 'stop', awayMs),
    },
    { name: 'temporal comes back with all of its memory lost', mayRepeat: false, strike: memoryLost },
    ...pairs.map(([pair, mayRepeat]) => ({
      name: `connection resets ${pair}`,
      mayRepeat,
      requestsPerAttempt: pair === 'worker→receiver' ? 2 : 1,
      strike: cut(pair, refusedMs),
    })),
  ];
  return faults.map((fault) => ({ ...fault, lane: 'auto' }));
}

/** Those that hit the process which makes first attempts itself. */
export function directFaults({ downMs, frozenMs, awayMs, refusedMs }: Durations): Fault[] {
  const api: Pick = (cluster) => cluster.api;
  const faults: Omit<Fault, 'lane'>[] = [
    { name: 'kill -9 of the api', mayRepeat: true, strike: accepterLost(downMs) },
    { name: 'the api restarted', mayRepeat: false, strike: away(api, 'stop', 0) },
    {
      name: 'kill -9 of postgres',
      mayRepeat: false,
      strike: away(({ postgres }) => postgres, 'kill', downMs),
    },
    { name: 'connection resets api→postgres', mayRepeat: false, strike: cut('api→postgres', refusedMs) },
    {
      name: `temporal away for ${awayMs / 1000} s`,
      mayRepeat: false,
      strike: away(({ temporal }) => temporal, 'stop', awayMs),
    },
  ];
  // Where it is not taken for lost meanwhile, there is nothing to see.
  if (frozenMs > CLAIM_MS) {
    const name = `SIGSTOP of the api for ${frozenMs / 1000} s`;
    faults.push({ name, mayRepeat: true, strike: frozen(api, frozenMs) });
  }
  return faults.map((fault) => ({ ...fault, name: `${fault.name}, lane direct`, lane: 'direct' }));
}

const away = (pick: Pick, how: 'kill' | 'stop', ms: number) => async (cluster: Cluster) => {
  const part = pick(cluster);
  await part[how]();
  await sleep(ms);
  await part.start();
};

/** What it had in hand is looked for a minute after; here it need not be that long. */
const accepterLost = (downMs: number) => async (cluster: Cluster) => {
  await cluster.api.kill();
  await sleep(downMs);
  await cluster.query(
    `update deliveries set due_at = coalesce(next_attempt_at + interval '2 seconds', now())
     where status in ('PENDING', 'IN_PROGRESS') and lane = 'direct' and attempt_count <= 1`,
  );
  await cluster.api.start();
};

/** As where the machine goes and comes back. */
export async function machineLost({ parts, postgres, temporal, api, workers }: Cluster): Promise<void> {
  await Promise.all(parts.map((part) => part.kill()));
  await Promise.all([postgres.start(), temporal.start()]);
  await Promise.all([api, ...workers].map((part) => part.start()));
}

/** As where its disk is lost and no backup is there. */
async function memoryLost(cluster: Cluster): Promise<void> {
  await cluster.temporal.kill();
  await cluster.forget();
  await cluster.temporal.start();
  // What waits for a retry is looked for a minute after it was due; here it need not be that long.
  await cluster.query(
    `update deliveries set due_at = greatest(next_attempt_at, now()) + interval '3 seconds' where status = 'IN_PROGRESS'`,
  );
}

const frozen = (pick: Pick, ms: number) => async (cluster: Cluster) => {
  const part = pick(cluster);
  part.freeze();
  await sleep(ms);
  part.thaw();
};

/** Again and again in the middle of what they say, then gone for a while. */
const cut = (pair: keyof Cluster['proxies'], ms: number) => async (cluster: Cluster) => {
  const proxy = cluster.proxies[pair];
  for (let resets = 0; resets < 5; resets++) {
    proxy.reset();
    await sleep(300 + Math.random() * 300);
  }
  await proxy.refuse();
  await sleep(ms);
  await proxy.accept();
};
