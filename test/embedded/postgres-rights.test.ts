import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../src/db/migrate.js';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startTime } from '../../src/embedded/process-identity.js';
import { makeOldLayout } from '../support/old-postgres.js';
import { runningWith } from '../support/processes.js';
import { query } from '../support/query.js';

const isRoot = process.getuid?.() === 0;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-rights-'));
  await chmod(dir, 0o711);
});
afterAll(async () => {
  expect(runningWith(dir)).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

/** The id of the user that owns `file`. */
const ownerOf = async (file: string) => (await lstat(file)).uid;

/** The exit code of a shell command run as another user. */
async function exitCodeAs(uid: number, command: string): Promise<number> {
  const child = spawn('/bin/sh', ['-c', command], { uid, cwd: '/', stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number];
  return code;
}

describe('the role of the embedded Postgres', () => {
  it('owns its database and is no superuser: it reads no file and runs no program', async () => {
    const postgres = await startPostgres({ dir: join(dir, 'role') });
    const { url, pid } = postgres;
    try {
      const rights = 'rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls';
      expect(await query(url, `select ${rights} from pg_roles where rolname = current_user`)).toEqual([
        {
          rolsuper: false,
          rolcreatedb: false,
          rolcreaterole: false,
          rolreplication: false,
          rolbypassrls: false,
        },
      ]);
      for (const file of [`/proc/${pid}/environ`, '/etc/passwd', 'PG_VERSION']) {
        await expect(query(url, `select pg_read_file('${file}')`)).rejects.toThrow('permission denied');
      }
      await expect(query(url, "copy (select 1) to program 'true'")).rejects.toThrow('permission denied');
      await expect(query(url, 'set role postgres')).rejects.toThrow('permission denied');
      await expect(query(url.replace('//surehook:', '//postgres:'), 'select 1')).rejects.toThrow('pg_hba');
      await migrate(url);
    } finally {
      await postgres.stop();
    }
  });

  it('takes over the objects that an earlier version made as superuser', async () => {
    const old = join(dir, 'old');
    await makeOldLayout(old, async (url) => {
      await migrate(url);
      await query(url, "create table kept as select 'Grüße' as word");
      await query(url, 'create schema more create table numbered (n int generated always as identity)');
    });
    const password = await readFile(join(old, 'password'), 'utf8');
    for (const start of ['the first', 'the second']) {
      const postgres = await startPostgres({ dir: old });
      try {
        expect(await query(postgres.url, 'select word from kept'), start).toEqual([{ word: 'Grüße' }]);
        expect(
          await query(postgres.url, 'select rolname from pg_roles where rolsuper and rolcanlogin'),
        ).toEqual([{ rolname: 'postgres' }]);
        expect(
          await query(postgres.url, 'select relname from pg_class where relowner = 10 and oid >= 16384'),
        ).toEqual([]);
        // A migration makes such changes.
        await query(postgres.url, 'alter table events add column if not exists more int');
        await query(postgres.url, 'alter function new_id(text, timestamptz) volatile');
        await query(postgres.url, 'insert into more.numbered default values');
        await query(postgres.url, 'create table if not exists more.further (n int)');
        expect(new URL(postgres.url).password).toBe(password);
        await expect(query(postgres.url.replace('//surehook:', '//postgres:'), 'select 1')).rejects.toThrow(
          'pg_hba',
        );
      } finally {
        await postgres.stop();
      }
    }
  });
});

describe.runIf(isRoot)('started by root, the embedded Postgres', () => {
  it('runs as another user, which owns only the data and has no capability', async () => {
    const closed = await mkdtemp(join(dir, 'closed-'));
    const pg = join(closed, 'pg');
    const postgres = await startPostgres({ dir: pg });
    try {
      const status = await readFile(`/proc/${postgres.pid}/status`, 'utf8');
      const user = await ownerOf(join(pg, 'data'));
      expect(user).not.toBe(0);
      expect(status).toMatch(new RegExp(`^Uid:\\t${user}\\t${user}\\t${user}\\t${user}$`, 'm'));
      expect(status).toMatch(/^Groups:\s*$/m);
      expect(status.match(/^Cap(Inh|Prm|Eff|Amb):\t0{16}$/gm)).toHaveLength(4);
      for (const file of ['', 'postgres.log', 'postgres.pid', 'password']) {
        expect(await ownerOf(join(pg, file)), file).toBe(0);
      }
      expect((await lstat(join(pg, 'password'))).mode & 0o077).toBe(0);
      await chmod(closed, 0o711);
      expect(await exitCodeAs(user, `ln -s /etc/x '${pg}/postgres.log.1'`)).not.toBe(0);
      expect(await exitCodeAs(user, `mv '${pg}/postgres.log' '${pg}/data/'`)).not.toBe(0);
      expect(await exitCodeAs(user, `cat '${pg}/password'`)).not.toBe(0);
      expect(await exitCodeAs(user, `touch '${pg}/data/own'`)).toBe(0);
    } finally {
      await postgres.stop();
    }
  });

  it('cannot make root follow links that it left in the folder it owned in an earlier layout', async () => {
    const pg = join(dir, 'links');
    await (await startPostgres({ dir: pg })).stop();
    const { uid, gid } = await lstat(join(pg, 'data'));
    await chown(pg, uid, gid);
    const victims = ['log', 'pid', 'new'].map((name) => join(dir, `victim-${name}`));
    for (const victim of victims) await writeFile(victim, 'untouched');
    await rm(join(pg, 'postgres.log'));
    await symlink(victims[0]!, join(pg, 'postgres.log'));
    await symlink(victims[1]!, join(pg, 'postgres.pid'));
    await symlink(victims[2]!, join(pg, 'password.new'));

    const postgres = await startPostgres({ dir: pg });
    await postgres.stop();
    for (const victim of victims) {
      expect(await readFile(victim, 'utf8')).toBe('untouched');
      expect(await ownerOf(victim)).toBe(0);
    }
    expect((await lstat(join(pg, 'postgres.log'))).isFile()).toBe(true);
    expect(await ownerOf(pg)).toBe(0);
  });

  it('refuses to start on a link that its user put in place of the data', async () => {
    const pg = join(dir, 'moved');
    await (await startPostgres({ dir: pg })).stop();
    const { uid, gid } = await lstat(join(pg, 'data'));
    await chown(pg, uid, gid);
    await rename(join(pg, 'data'), join(pg, 'elsewhere'));
    expect(await exitCodeAs(uid, `ln -s '${pg}/elsewhere' '${pg}/data'`)).toBe(0);
    await expect(startPostgres({ dir: pg })).rejects.toThrow(`symbolic link that user ${uid} made`);
  });

  it.each(['postgres.pid', 'data/postmaster.pid'])('cannot make root end a process by %s', async (note) => {
    const pg = join(dir, `forged ${note.replace('/', ' ')}`);
    await (await startPostgres({ dir: pg })).stop();
    const { uid, gid } = await lstat(join(pg, 'data'));
    // The victim looks like the server in all that its user can choose: name, arguments, folder.
    const victim = spawn('/bin/sleep', ['600'], { argv0: `postgres -D ${pg}/data`, cwd: join(pg, 'data') });
    try {
      await once(victim, 'spawn');
      await chown(pg, uid, gid);
      if (note === 'postgres.pid') {
        // Root owns this file: the server could have moved its log there.
        await writeFile(join(pg, note), `${victim.pid} ${startTime(victim.pid!)}`);
      } else {
        await writeFile(join(pg, note), `${victim.pid}\n${pg}/data\n`);
        await chown(join(pg, note), uid, gid);
      }
      const postgres = await startPostgres({ dir: pg });
      expect(victim.signalCode).toBeNull();
      expect(startTime(victim.pid!)).not.toBeNull();
      await postgres.stop();
    } finally {
      victim.kill('SIGKILL');
      await expect.poll(() => startTime(victim.pid!)).toBeNull();
    }
  });
});
