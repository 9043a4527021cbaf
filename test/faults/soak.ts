import { changeLane, startCluster } from './cluster.js';
import { directFaults, faultTable } from './faults.js';
import { stopEverything } from './kill-switch.js';
import { leftOpen } from './left-open.js';
import { runFault } from './run-fault.js';

// Frozen for longer than every timeout: a request's 30 s, an activity's 60 s.
const LONG = { downMs: 5_000, frozenMs: 75_000, awayMs: 60_000, refusedMs: 20_000 };
const RECOVER_MS = 180_000;

const minutes = Number(process.env.SOAK_MINUTES ?? 60);
const seed = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const eventsPerSecond = Number(process.env.SOAK_RATE ?? 20);

/** The kill switch with 10,000 deliveries waiting; every fault in turn, long; then one after the other by chance, each as long as chance has it, until time is up. */
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
    const stopped = await stopEverything(cluster, 10_000, 10 * RECOVER_MS);
    if (
      stopped.waiting < 9_000 ||
      stopped.lastRequestMs >= 1_000 ||
      stopped.delivered < 10_000 ||
      stopped.repeated > 0
    ) {
      console.log('  broken: the kill switch');
      broken += 1;
    }
    const turns = allFaults(LONG);
    while (Date.now() < until) {
      const fault = turns.shift() ?? pick(allFaults(byChance(random)));
      await changeLane(cluster, fault.lane);
      const options = { eventsPerSecond, beforeMs: 1_000 + 4_000 * random(), recoverMs: RECOVER_MS };
      const { problems } = await runFault(cluster, fault, options);
      for (const problem of problems) console.log(`  broken: ${problem}`);
      broken += problems.length;
    }
    const open = await leftOpen(cluster, RECOVER_MS);
    console.log(
      `soak: left open: ${open.deliveries} deliveries, ${open.workflows} workflows; broken: ${broken}`,
    );
    return broken + open.deliveries + open.workflows;
  } finally {
    await cluster.end(Boolean(process.env.SUREHOOK_KEEP));
  }
}

const allFaults = (durations: typeof LONG) => [...faultTable(durations), ...directFaults(durations)];

function byChance(random: () => number): typeof LONG {
  const upTo = (ms: number) => Math.ceil((ms * random()) / 1_000) * 1_000;
  return {
    downMs: upTo(LONG.downMs),
    frozenMs: upTo(LONG.frozenMs),
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
