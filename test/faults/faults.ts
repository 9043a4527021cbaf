import type { Cluster } from './cluster.js';
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
  /** A process or its connection to the receiver is lost in the middle of requests: only then may they be repeated. */
  mayRepeat: boolean;
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
    ['api→postgres', false],
    ['worker→postgres', false],
    ['api→temporal', false],
    ['worker→temporal', false],
    ['worker→receiver', true],
  ];
  return [
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
    ...pairs.map(([pair, mayRepeat]) => ({
      name: `connection resets ${pair}`,
      mayRepeat,
      strike: cut(pair, refusedMs),
    })),
  ];
}

const away = (pick: Pick, how: 'kill' | 'stop', ms: number) => async (cluster: Cluster) => {
  const part = pick(cluster);
  await part[how]();
  await sleep(ms);
  await part.start();
};

/** As where the machine goes and comes back. */
async function machineLost({ parts, postgres, temporal, api, workers }: Cluster): Promise<void> {
  await Promise.all(parts.map((part) => part.kill()));
  await Promise.all([postgres.start(), temporal.start()]);
  await Promise.all([api, ...workers].map((part) => part.start()));
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
