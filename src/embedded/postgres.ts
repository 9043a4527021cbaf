import { lstatSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { secureFolder } from './own-files.js';
import { freePort } from './ports.js';
import { binariesFor, packagedBinaries } from './postgres-binaries.js';
import { accessTo, embeddedUrl, initialise, readPassword, dropRights } from './postgres-data.js';
import { postgresUser, type Ids } from './postgres-user.js';
import { commandLine, userOf, workingFolder } from './process-identity.js';
import { endProcess, lastLines, startServer, stopOrphan } from './process.js';

const READY_MS = 60_000;
const START_TRIES = 5;
const STARTING_UP = '57P03';
const NO_DATABASE = '3D000';
const SMALL_MACHINE = [
  'shared_buffers=128MB',
  'max_connections=100',
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  // Without the rows that `DETAIL` and `CONTEXT` quote.
  'log_error_verbosity=terse',
];

export interface EmbeddedPostgres {
  url: string;
  port: number;
  pid: number;
  /** Settles when the process has ended. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  dir: string;
  port?: number;
  /** Further settings, `name=value`. */
  settings?: string[];
  /** For tests: the role may make databases. Takes effect only when the data is made. */
  makesDatabases?: boolean;
  progress?: (line: string) => void;
}

/**
 * Starts a Postgres from the npm package, with its files in `dir`: made at first use, reused later. Below `dir`, only
 * `data` belongs to the server's user. The role in the URL owns its database and is no superuser.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { progress = () => {} } = options;
  const dir = secureFolder(options.dir, ['data', 'password']);
  const data = join(dir, 'data');
  const logFile = join(dir, 'postgres.log');
  const pidFile = join(dir, 'postgres.pid');
  const passwordFile = join(dir, 'password');
  const user = await postgresUser(data);
  const binaries = await binariesFor(user, await packagedBinaries(), { progress });

  await stopOrphan(pidFile, 'SIGQUIT');
  await endLeftover(data, user);
  if (!lstatSync(data, { throwIfNoEntry: false })) {
    const rights = options.makesDatabases ? 'createdb' : '';
    await initialise({ binaries, data, passwordFile, user, rights });
  }
  const password = readPassword(passwordFile);
  const access = await accessTo(data, user);

  // `surehook.folder` has no effect: it shows a person who lists processes which folder this server belongs to.
  const settings = [...SMALL_MACHINE, ...(options.settings ?? []), `surehook.folder=${dir}`];
  const flags = settings.flatMap((setting) => ['-c', setting]);
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await freePort());
    const server = await startServer({
      command: binaries.postgres,
      args: ['-D', access.name, '-p', String(port), ...flags],
      ...access.spawn,
      logFile,
      pidFile,
      lastSignal: 'SIGQUIT',
    });
    const url = embeddedUrl(password, port);
    try {
      if (await ready(url, server.exited)) {
        return { url, port, pid: server.pid, exited: server.exited, stop: () => server.stop() };
      }
    } catch (error) {
      await server.stop();
      const log = await lastLines(logFile);
      // A killed server's children take a moment to leave its memory; another process may take a free port before us.
      const passing = /is still in use/.test(log) || (!options.port && /already in use/.test(log));
      if (tries === START_TRIES || !passing) {
        throw new Error(`Postgres did not start:\n${log}`, { cause: error });
      }
      await sleep(1_000);
      continue;
    }
    await server.stop();
    await dropRights(binaries, access, password);
  }
}

/**
 * Ends a server on this data that our pid file does not name but Postgres's does. Postgres's pid file is its user's and
 * may name any process: only a Postgres that runs as that user on that folder is ended. A file that names another
 * process is removed, because it would keep Postgres from starting.
 */
async function endLeftover(data: string, user: Ids | null): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (!stats) return;
  const pid = stats.isFile() ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
  const command = pid > 0 ? commandLine(pid) : null;
  // Postgres itself handles the file of a dead server, and checks more than the pid.
  if (stats.isFile() && command === null) return;
  const isIts =
    userOf(pid) === (user?.uid ?? process.geteuid?.()) &&
    /(^|\/)postgres:?(\s|$)/.test(command ?? '') &&
    (workingFolder(pid) === realpathSync(data) || command?.includes(data));
  if (isIts) await endProcess(pid, 'SIGQUIT');
  else rmSync(file, { force: true });
}

/** Waits until the server answers; false if its role is still the superuser of earlier versions, or has no database. */
async function ready(url: string, exited: Promise<void>): Promise<boolean> {
  let gone = false;
  void exited.then(() => (gone = true));
  const deadline = Date.now() + READY_MS;
  while (!gone) {
    try {
      return await isOrdinary(url);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === NO_DATABASE) return false;
      // Recovery after a crash has no deadline.
      if (code !== STARTING_UP && Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
  throw new Error('It ended before it was ready.');
}

async function isOrdinary(url: string): Promise<boolean> {
  // Another program may hold the port and never answer.
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ rolsuper: boolean }>(
      'select rolsuper from pg_roles where rolname = current_user',
    );
    return rows[0]?.rolsuper === false;
  } finally {
    await client.end().catch(() => {});
  }
}
