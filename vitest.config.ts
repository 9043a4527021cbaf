import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: ['test/support/servers.ts'],
    setupFiles: ['test/support/quiet.ts'],
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Real servers and real sockets on small machines: files one after the other.
    fileParallelism: false,
  },
});
