import pg from 'pg';
import type { ClusterProcess } from './cluster-process.js';
import type { Cluster } from './cluster.js';
import { sleep } from './wait.js';

/** Lengths of the faults. */
export interface Durations {
  /** A killed process, until it is started again. */
  downMs: number;
  /** A frozen server. */
  frozenMs: number;
  /** A frozen process of ours: longer than the 10 s after which it counts as dead. */
  frozenDeadMs: number;
  /** Temporal away, a transaction held open. */
  awayMs: number;
  /** Connections refused between two processes. */
  refusedMs: number;
}

export interface Fault {
  name: string;
  /** A process, or its connection to the receiver, is lost in the middle of requests: only then may they be repeated. */
  mayRepeat: boolean;
  /** A reused connection that dies before an answer is replaced within the attempt: then a request may come twice. */
  requestsPerAttempt?: number;
  /** Resolves when the fault is over. */
  strike(cluster: Cluster, run: FaultRun): Promise<void>;
}

export interface FaultRun {
  /** Waits until events posted from now on have been DELIVERED. */
  delivered(): Promise<void>;
  /** Notes the claims that are open after a process was killed: those of that process. */
  noteClaims(): Promise<void>;
}

type Choose = (cluster: Cluster) => ClusterProcess;

export function faultTable(durations: Durations): Fault[] {
  const { downMs, frozenMs, frozenDeadMs, awayMs, refusedMs } = durations;
  const processes: [name: string, pick: Choose, isOurs: boolean][] = [
    ['the api', ({ api }) => api, true],
    ['a worker of two', ({ workers }) => workers[0], true],
    ['temporal', ({ temporal }) => temporal, false],
    ['postgres', ({ postgres }) => postgres, false],
  ];
  const pairs = [
    'sender→api',
    'api→postgres',
    'worker→postgres',
    'api→temporal',
    'worker→temporal',
    '→receiver',
  ] as const;
  return [
    ...processes.map(([name, pick, mayRepeat]) => ({
      name: `kill -9 of ${name}`,
      mayRepeat,
      strike: away(pick, 'kill', downMs),
    })),
    ...processes.map(([name, pick, mayRepeat]) => {
      const ms = mayRepeat ? frozenDeadMs : frozenMs;
      return { name: `SIGSTOP of ${name} for ${ms / 1_000} s`, mayRepeat, strike: frozen(pick, ms) };
    }),
    // An orderly stop loses nothing that would have to be repeated.
    ...processes.map(([name, pick]) => ({
      name: `${name} restarted`,
      mayRepeat: false,
      strike: away(pick, 'stop', 0),
    })),
    { name: 'kill -9 of everything', mayRepeat: true, strike: machineLost },
    { name: 'temporal away', mayRepeat: false, strike: temporalAway(awayMs) },
    { name: 'a transaction held open', mayRepeat: false, strike: transactionHeldOpen(awayMs) },
    ...pairs.map((pair) => ({
      name: `connection resets ${pair}`,
      mayRepeat: pair === '→receiver',
      requestsPerAttempt: pair === '→receiver' ? 2 : 1,
      strike: cut(pair, refusedMs),
    })),
    // Last: workflows that have ended are gone then, too.
    { name: 'temporal comes back with its database lost', mayRepeat: false, strike: temporalLost },
  ];
}

const away =
  (pick: Choose, how: 'kill' | 'stop', ms: number): Fault['strike'] =>
  async (cluster, { noteClaims }) => {
    const one = pick(cluster);
    await one[how]();
    await sleep(ms);
    // Postgres may be what is away.
    if (how === 'kill' && one !== cluster.postgres) await noteClaims();
    await one.start();
  };

/** The machine fails and comes back. */
export async function machineLost(
  { processes, postgres, temporal, api, workers }: Cluster,
  run?: Pick<FaultRun, 'noteClaims'>,
): Promise<void> {
  await Promise.all(processes.map((one) => one.kill()));
  await Promise.all([postgres.start(), temporal.start()]);
  await run?.noteClaims();
  await Promise.all([api, ...workers].map((one) => one.start()));
}

/** Everything is delivered meanwhile, retries too. */
const temporalAway =
  (ms: number): Fault['strike'] =>
  async ({ temporal }, { delivered }) => {
    await temporal.stop();
    await Promise.all([delivered(), sleep(ms)]);
    await temporal.start();
  };

/** The disk is lost, and there is no backup. */
const temporalLost: Fault['strike'] = async ({ temporal, forget }) => {
  await temporal.kill();
  await forget();
  await temporal.start();
};

/** A snapshot, as of a slow report, and locks on rows, as of a person at a console: vacuum and the feed wait for them. */
const transactionHeldOpen =
  (ms: number): Fault['strike'] =>
  async ({ databaseUrl }, { delivered }) => {
    const [report, person] = [new pg.Client(databaseUrl()), new pg.Client(databaseUrl())];
    await Promise.all([report.connect(), person.connect()]);
    try {
      await report.query('begin isolation level repeatable read');
      await report.query('select from open_deliveries limit 1');
      await person.query('begin');
      await person.query('select from open_deliveries limit 5 for share');
      await Promise.all([delivered(), sleep(ms)]);
    } finally {
      await Promise.all([report.end(), person.end()]);
    }
  };

const frozen =
  (pick: Choose, ms: number): Fault['strike'] =>
  async (cluster) => {
    const one = pick(cluster);
    one.freeze();
    await sleep(ms);
    one.thaw();
  };

/** Connections are reset again and again in the middle of what they carry, then refused for a while. */
const cut =
  (pair: keyof Cluster['proxies'], ms: number): Fault['strike'] =>
  async (cluster) => {
    const proxy = cluster.proxies[pair];
    for (let resets = 0; resets < 5; resets++) {
      proxy.reset();
      await sleep(100 + Math.random() * 200);
    }
    await proxy.refuse();
    await sleep(ms);
    await proxy.accept();
  };
