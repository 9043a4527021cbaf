import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { embeddedUrl, readPassword } from './postgres-data.js';

/** Line of Postgres's pid file with its port. */
const PORT_LINE = 3;

/** The URL of the embedded Postgres that runs on `dir`, for another process; null: none was left running. */
export function runningPostgresUrl(dir: string): string | null {
  try {
    const port = Number(readFileSync(join(dir, 'data', 'postmaster.pid'), 'utf8').split('\n')[PORT_LINE]);
    return Number.isInteger(port) && port > 0 ? embeddedUrl(readPassword(join(dir, 'password')), port) : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
