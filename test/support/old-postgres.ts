import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packagedBinaries } from '../../src/embedded/postgres-binaries.js';
import { postgresUser } from '../../src/embedded/postgres-user.js';
import { freePort } from '../../src/embedded/ports.js';
import { query } from './query.js';
import { eventually } from './eventually.js';

const run = promisify(execFile);

/** A data folder as version 0.1.0 made it: owned by the server's user, with the superuser as the service's role. */
export async function makeOldLayout(dir: string, fill: (url: string) => Promise<void>): Promise<void> {
  const { initdb, postgres } = await packagedBinaries();
  const data = join(dir, 'data');
  const password = join(dir, 'password');
  const ids = await postgresUser(data);
  await mkdir(dir, { mode: 0o700 });
  await writeFile(password, 'an-old-password', { mode: 0o600 });
  if (ids) for (const path of [dir, password]) await chown(path, ids.uid, ids.gid);
  const how = { ...ids, cwd: '/' };
  await run(
    initdb,
    [
      ...['-D', data, '-U', 'surehook', '-A', 'scram-sha-256', `--pwfile=${password}`],
      ...['--encoding=UTF8', '--locale=C'],
    ],
    how,
  );
  const port = await freePort();
  const args = ['-D', data, '-p', String(port), '-c', 'unix_socket_directories='];
  const server = spawn(postgres, args, { ...how, stdio: 'ignore' });
  try {
    const url = `postgres://surehook:an-old-password@127.0.0.1:${port}`;
    await eventually(() => query(`${url}/postgres`, 'create database surehook').catch(() => null));
    await fill(`${url}/surehook`);
  } finally {
    server.kill('SIGINT');
    await once(server, 'exit');
    await chmod(dir, 0o700);
  }
}
