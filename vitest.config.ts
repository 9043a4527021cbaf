import { defineConfig } from 'vitest/config';

/** Folders whose tests need neither Postgres nor Temporal. */
const UNIT = ['test/{domain,lib,webhook}/**/*.test.ts', 'test/config.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Real servers and real sockets on small machines: files one after the other.
    fileParallelism: false,
    projects: [
      { extends: true, test: { name: 'unit', include: UNIT } },
      {
        extends: true,
        test: {
          name: 'servers',
          globalSetup: ['test/support/servers.ts'],
          setupFiles: ['test/support/quiet.ts'],
          include: ['test/**/*.test.ts'],
          exclude: UNIT,
        },
      },
    ],
  },
});
