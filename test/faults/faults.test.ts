import { afterAll, beforeAll, expect, test } from 'vitest';
import { LEASE_MS } from '../../src/db/open-deliveries/index.js';
import { startCluster, type Cluster } from './cluster.js';
import { faultTable } from './faults.js';
import { leftovers } from './leftovers.js';
import { runFault } from './run-fault.js';

const SHORT = { downMs: 1_000, frozenMs: 6_000, frozenDeadMs: 12_000, awayMs: 3_000, refusedMs: 2_000 };
const RECOVER_MS = 90_000;
const options = { eventsPerSecond: 10, hurry: true, recoverMs: RECOVER_MS };

let cluster: Cluster;
/** Workflows that had ended before are lost with Temporal's database. */
let since = new Date(0);

beforeAll(async () => {
  cluster = await startCluster();
}, 300_000);
// SUREHOOK_KEEP=1 keeps the logs of a run, and prints their folder.
afterAll(() => cluster?.end(Boolean(process.env.SUREHOOK_KEEP)));

const noneLeft = async () =>
  expect(await leftovers(cluster, since, RECOVER_MS)).toEqual({
    deliveries: 0,
    starts: 0,
    running: 0,
    without: [],
  });

test.each(faultTable(SHORT))(
  'nothing is lost after: $name',
  async (fault) => {
    const isForgotten = fault.name.includes('database lost');
    if (isForgotten) await noneLeft();
    const { problems, workerLostMs } = await runFault(cluster, fault, options);
    expect(problems).toEqual([]);
    // Found by the death of the process, not by the end of its claims.
    if (fault.name === 'kill -9 of the api') expect(workerLostMs).toBeLessThan(LEASE_MS);
    if (isForgotten) {
      const [row] = await cluster.query<{ now: Date }>('select now()');
      since = row!.now;
    }
  },
  8 * RECOVER_MS,
);

test(
  'after all of them no delivery and no workflow is left open, and every event has its workflow',
  noneLeft,
  8 * RECOVER_MS,
);
