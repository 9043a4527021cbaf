#!/usr/bin/env node
import { runCli } from './program.js';

// The reader of a pipe, such as `head`, has seen enough. `listen`, which must clean up, has a listener of its own.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (process.stdout.listenerCount('error') > 1) return;
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// Its reader may be gone: an application under `surehook run` goes on.
process.stderr.on('error', () => {});

process.exitCode = await runCli(process.argv.slice(2), process);
