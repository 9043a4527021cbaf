import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCluster, type Cluster } from './cluster.js';
import { faultTable } from './faults.js';
import { leftOpen } from './left-open.js';
import { runFault } from './run-fault.js';

const SHORT = { downMs: 1_000, frozenMs: 20_000, awayMs: 15_000, refusedMs: 2_000 };
const RECOVER_MS = 90_000;
const options = { eventsPerSecond: 15, beforeMs: 1_500, recoverMs: RECOVER_MS };

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
});
// SUREHOOK_KEEP=1 leaves the logs of a run, and says where.
afterAll(() => cluster?.end(Boolean(process.env.SUREHOOK_KEEP)));

test.each(faultTable(SHORT))(
  'nothing is lost after: $name',
  async (fault) => {
    const { problems } = await runFault(cluster, fault, options);
    expect(problems).toEqual([]);
  },
  5 * RECOVER_MS,
);

test(
  'after all of them no delivery and no workflow is left open',
  async () => {
    expect(await leftOpen(cluster, RECOVER_MS)).toEqual({ deliveries: 0, workflows: 0 });
  },
  2 * RECOVER_MS,
);
