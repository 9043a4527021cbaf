import { startCluster } from './cluster.js';
import { faultTable, type Durations } from './faults.js';
import { MAX_PER_ENDPOINT, stopEverything } from './kill-switch.js';
import { leftovers } from './leftovers.js';
import { runFault } from './run-fault.js';

// Frozen for longer than a request's 30 s, an activity's heartbeat of 15 s, and the 10 s after which a process is dead.
const LONG: Durations = {
  downMs: 5_000,
  frozenMs: 75_000,
  frozenDeadMs: 75_000,
  awayMs: 60_000,
  refusedMs: 20_000,
};
const RECOVER_MS = 180_000;

const minutes = Number(process.env.SOAK_MINUTES ?? 60);
const seed = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const eventsPerSecond = Number(process.env.SOAK_RATE ?? 20);

/** The kill switch with 10,000 deliveries; every fault in turn, long; then random faults of random length until time is up. */
async function soak(): Promise<number> {
  console.log(`soak: ${minutes} minutes, ${eventsPerSecond} events/s, SOAK_SEED=${seed}`);
  const until = Date.now() + minutes * 60_000;
  const random = seeded(seed);
  const pick = <T>(of: T[]): T => of[Math.floor(random() * of.length)]!;
  const cluster = await startCluster();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void cluster.end().then(() => process.exit(1)));
  }
  let broken = 0;
  try {
    const events = 10_000;
    const { held, lastRequestMs, delivered, repeated } = await stopEverything(cluster, events, RECOVER_MS);
    // The API and both workers attempt some.
    if (
      held + 3 * MAX_PER_ENDPOINT < events ||
      lastRequestMs >= 1_000 ||
      delivered < events ||
      repeated > 0
    ) {
      console.log('  broken: the kill switch');
      broken += 1;
    }
    const turns = faultTable(LONG);
    while (Date.now() < until) {
      const fault = turns.shift() ?? pick(faultTable(byChance(random)));
      const { problems } = await runFault(cluster, fault, {
        eventsPerSecond,
        hurry: false,
        recoverMs: RECOVER_MS,
      });
      for (const problem of problems) console.log(`  broken: ${problem}`);
      broken += problems.length;
    }
    // Workflows that had ended are gone with Temporal's database: only what is open counts.
    const { without, ...open } = await leftovers(cluster, new Date(), RECOVER_MS);
    console.log(`soak: left open: ${JSON.stringify(open)}; broken: ${broken}`);
    return broken + Object.values(open).reduce((sum, count) => sum + count, without.length);
  } finally {
    await cluster.end(Boolean(process.env.SUREHOOK_KEEP));
  }
}

function byChance(random: () => number): Durations {
  const upTo = (ms: number) => Math.ceil((ms * random()) / 1_000) * 1_000;
  return {
    downMs: upTo(LONG.downMs),
    frozenMs: upTo(LONG.frozenMs),
    frozenDeadMs: upTo(LONG.frozenDeadMs),
    awayMs: upTo(LONG.awayMs),
    refusedMs: upTo(LONG.refusedMs),
  };
}

/** mulberry32: the same numbers for the same seed. */
function seeded(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

process.exitCode = (await soak()) > 0 ? 1 : 0;
