import { defineConfig } from 'vitest/config';

/** These need neither Postgres nor Temporal, and no test of them takes seconds. */
const UNIT = [
  'test/{domain,lib}/**/*.test.ts',
  'test/webhook/**/!(frozen|hanging-names|heap).test.ts',
  'test/config.test.ts',
  'test/http/{fair-shares,api-key-cache}.test.ts',
];
const E2E = ['test/e2e/**/*.test.ts'];
const FAULTS = ['test/faults/**/*.test.ts'];
const SERVERS = { globalSetup: ['test/support/servers.ts'] };

/** The projects run one after the other, so that fault tests have the machine to themselves. */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Concurrent tests of a file start processes, each of which keeps a core busy.
    maxConcurrency: 2,
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
          exclude: [...UNIT, ...E2E, ...FAULTS],
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
          ...SERVERS,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'faults',
          include: FAULTS,
          ...SERVERS,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
