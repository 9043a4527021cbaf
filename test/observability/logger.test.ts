import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { expect, test } from 'vitest';

/** A write at its start fails with EIO, as one to a terminal that was closed. */
const FAILS = '/proc/self/mem';
const CODE = `
  import { createLogger } from './dist/src/observability/logger.js';
  const log = createLogger('info');
  for (const line of ['first', 'second']) log.info(line);
`;

test.skipIf(!existsSync(FAILS))('a terminal that was closed while lines are logged is no error', async () => {
  const failing = await open(FAILS, 'r+');
  const child = spawn(process.execPath, ['--input-type=module', '--eval', CODE], {
    stdio: ['ignore', 'ignore', failing.fd],
  });
  expect(await once(child, 'exit')).toEqual([0, null]);
  await failing.close();
});
