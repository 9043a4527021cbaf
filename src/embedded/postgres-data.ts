import { execFile, type ExecFileOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { chown, mkdir, rename, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { serverEnv } from './child-env.js';
import { readOwn, writeOwn } from './own-files.js';
import type { Binaries } from './postgres-binaries.js';
import { reaches, type Ids } from './postgres-user.js';

const run = promisify(execFile);

/** The only login allowed. The superuser's only access is the server's own single-user mode. */
const LOGIN = 'host all surehook 127.0.0.1/32 scram-sha-256';

/** How to start a Postgres program on its data. */
export interface DataAccess {
  /** The folder's path as passed to the program. */
  name: string;
  spawn: { cwd: string } & Partial<Ids>;
}

/**
 * Below a folder that its user may not enter, Postgres starts inside its data folder before it becomes that user: it
 * has no other way in, and needs no capability.
 */
export async function accessTo(data: string, user: Ids | null): Promise<DataAccess> {
  if (user === null || (await reaches(user, { enter: dirname(data) }))) {
    return { name: data, spawn: { cwd: '/', ...user } };
  }
  if (process.platform === 'linux') return { name: '/proc/self/cwd', spawn: { cwd: data, ...user } };
  throw new Error(
    `Postgres cannot run as root, and its own user may not enter ${dirname(data)}: ` +
      'set DATA_DIR to a folder that every user may enter, run as another user or set DATABASE_URL.',
  );
}

export const embeddedUrl = (password: string, port: number): string =>
  `postgres://surehook:${password}@127.0.0.1:${port}/surehook`;

export function readPassword(file: string): string {
  const password = readOwn(file).trim();
  if (!/^[\w-]+$/.test(password))
    throw new Error(`${file} does not hold the password of the embedded Postgres.`);
  return password;
}

/** Makes the data in another folder and renames it when complete: a first start cut short must not block the next. */
export async function initialise(options: {
  binaries: Binaries;
  data: string;
  passwordFile: string;
  user: Ids | null;
  /** Further rights of the role, in SQL. */
  rights: string;
}): Promise<void> {
  const { binaries, data, passwordFile, user, rights } = options;
  const fresh = `${data}.new`;
  await removeData(fresh, user);
  const password = randomBytes(18).toString('base64url');
  writeOwn(passwordFile, password);
  await mkdir(fresh, { mode: 0o700 });
  if (user) await chown(fresh, user.uid, user.gid);
  const access = await accessTo(fresh, user);
  const args = ['-D', access.name, '-U', 'postgres', '-A', 'reject', '--encoding=UTF8', '--locale=C'];
  await attempt(`Postgres could not make its files in ${fresh}`, binaries.initdb, args, access);
  await asSuperuser(binaries, access, 'postgres', [
    `create role surehook login password '${password}' ${rights}`,
    'create database surehook owner surehook',
    allowLogin(access),
  ]);
  await rename(fresh, data);
}

/** In earlier versions our role was the superuser: renames it, and gives all it had made to a new, ordinary role. */
export async function dropRights(binaries: Binaries, access: DataAccess, password: string): Promise<void> {
  // The database may exist already; it is missing if the first start was cut short.
  await asSuperuser(binaries, access, 'postgres', ['create database surehook']).catch(() => {});
  await asSuperuser(binaries, access, 'surehook', [allowLogin(access), dropRightsSql(password)]);
}

/** One statement, all or nothing. A superuser cannot rename itself, so another superuser does. */
const dropRightsSql = (password: string) => `
  do $$
  declare one text;
  begin
    create role surehook_setup superuser;
    set session authorization surehook_setup;
    alter role surehook rename to postgres;
    set session authorization postgres;
    drop role surehook_setup;
    alter role postgres password null;
    create role surehook login password '${password}';
    alter database surehook owner to surehook;
    for one in
      select format('schema %I', nspname) from pg_namespace
        where nspowner = 10 and nspname !~ '^pg_' and nspname <> 'information_schema'
      union all
      select format('table %s', c.oid::regclass) from pg_class c
        where relowner = 10 and oid >= 16384 and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
          and not exists (
            select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and deptype in ('a', 'i')
          and relkind = 'S')
          and relnamespace <> 'pg_toast'::regnamespace
      union all
      select format('routine %s', oid::regprocedure) from pg_proc where proowner = 10 and oid >= 16384
      union all
      select format('type %s', t.oid::regtype) from pg_type t left join pg_class c on c.oid = typrelid
        where typowner = 10 and t.oid >= 16384 and typelem = 0 and (typtype in ('e', 'd', 'r') or c.relkind = 'c')
    loop
      execute format('alter %s owner to surehook', one);
    end loop;
  end $$`;

/** Runs SQL in single-user mode, one statement per line: the server must not be running. */
export async function asSuperuser(
  binaries: Binaries,
  access: DataAccess,
  database: string,
  statements: string[],
): Promise<void> {
  const args = ['--single', '-D', access.name, '-c', 'exit_on_error=true', database];
  const sql = statements.map((statement) => `${statement.replaceAll(/\s*\n\s*/g, ' ')}\n`).join('');
  await attempt('Postgres could not set up its roles', binaries.postgres, args, access, sql);
}

export const allowLogin = (access: DataAccess) =>
  `copy (select '${LOGIN}') to '${access.name.replaceAll("'", "''")}/pg_hba.conf'`;

async function attempt(
  failure: string,
  command: string,
  args: string[],
  access: DataAccess,
  input = '',
): Promise<void> {
  const options: ExecFileOptions = { ...access.spawn, env: serverEnv() };
  const running = run(command, args, options);
  // The program may exit before it has read all its input; its exit code reports the failure.
  running.child.stdin?.on('error', () => {}).end(input);
  const error = await running.then(
    () => null,
    (reason: unknown) => reason as { code?: unknown; stderr?: string },
  );
  if (error === null) return;
  // Postgres repeats a failed statement, with the password in it: neither the message nor a cause may contain it.
  const said = (error.stderr ?? '').split('\n').filter((line) => !/STATEMENT:|^\t/.test(line));
  throw new Error(`${failure} (${String(error.code)}):\n${said.join('\n').trim()}`);
}

/** The folder's own user empties it, because its contents could lead root elsewhere. */
async function removeData(dir: string, user: Ids | null): Promise<void> {
  const stats = lstatSync(dir, { throwIfNoEntry: false });
  if (!stats) return;
  const access = await accessTo(dir, stats.uid === 0 ? null : user && { uid: stats.uid, gid: stats.gid });
  await run('/bin/sh', ['-c', 'cd "$1" && find . -mindepth 1 -delete', 'sh', access.name], {
    ...access.spawn,
    env: serverEnv(),
  });
  await rmdir(dir);
}
