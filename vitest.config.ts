import { defineConfig } from 'vitest/config';
import { SlowFirst } from './test/support/slow-first.js';

/** These need neither Postgres nor Temporal, and no test of them takes seconds. */
const UNIT = [
  'test/{domain,lib}/**/*.test.ts',
  'test/webhook/**/!(frozen|hanging-names|heap).test.ts',
  'test/cli/{program,text}.test.ts',
  'test/doctor/verdicts.test.ts',
  'test/client/{retry-delay,verify-webhook}.test.ts',
  'test/embedded/library-links.test.ts',
  'test/config.test.ts',
  'test/dashboard/{curl,format,live-state,newest-rows,openapi-types,outcome-words,seconds,typed-payload,with-head}.test.ts',
  'test/http/{event-stream,fair-shares,api-key-cache}.test.ts',
];
const E2E = ['test/e2e/**/*.test.ts'];
/** These measure rates, latencies or frames, or send thousands of requests at once: each has the machine to itself. */
const ALONE = [
  'test/dashboard/many-rows.test.ts',
  'test/e2e/{clocks,control,deleting,holding,queue,replay,replay-operate,wide-events}.test.ts',
  'test/faults/kill-switch.test.ts',
];
const FAULTS = ['test/faults/**/*.test.ts'];
const SERVERS = {
  globalSetup: ['test/support/servers.ts'],
  // The default of one second is too short for a page or another process on a busy machine.
  expect: { poll: { timeout: 20_000 } },
};

/** The projects run one after the other. */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Concurrent tests of a file start processes, each of which keeps a core busy.
    maxConcurrency: 2,
    sequence: { sequencer: SlowFirst },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: UNIT, maxWorkers: '100%', sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/**/*.test.ts'],
          exclude: [...UNIT, ...E2E, ...FAULTS, ...ALONE],
          ...SERVERS,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: E2E,
          exclude: ALONE,
          ...SERVERS,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          ...SERVERS,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: FAULTS,
          exclude: ALONE,
          ...SERVERS,
          // With two files at a time, a busy machine makes processes leave more workflows to the backfill than a test awaits.
          fileParallelism: false,
          // Tests of a file mostly wait for deadlines of processes that are dead or frozen.
          maxConcurrency: 5,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
