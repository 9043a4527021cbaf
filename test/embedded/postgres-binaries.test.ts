import { execFile } from 'node:child_process';
import { chmod, chown, cp, lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { binariesFor, packagedBinaries, type Binaries } from '../../src/embedded/postgres-binaries.js';
import { postgresUser, type Ids } from '../../src/embedded/postgres-user.js';

const run = promisify(execFile);

describe.runIf(process.getuid?.() === 0)(
  'the binaries of Postgres, installed where only root may enter',
  () => {
    let dir: string;
    let closed: Binaries;
    let user: Ids;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'surehook-binaries-'));
      await chmod(dir, 0o711);
      user = (await postgresUser(join(dir, 'data')))!;
      const root = dirname(dirname(dirname((await packagedBinaries()).postgres)));
      await cp(root, join(dir, 'closed'), { recursive: true, verbatimSymlinks: true });
      await chmod(join(dir, 'closed'), 0o700);
      const bin = join(dir, 'closed', 'native', 'bin');
      closed = { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
    });
    afterAll(() => rm(dir, { recursive: true, force: true }));

    it('are copied once to a folder that only root can change, and run from there', async () => {
      const cache = join(dir, 'cache');
      const said: string[] = [];
      const umask = process.umask(0o077);
      try {
        const [one, other] = await Promise.all(
          [1, 2].map(() => binariesFor(user, closed, { cache, progress: (line) => said.push(line) })),
        );
        expect(one).toEqual(other);
        expect(await readdir(cache)).toHaveLength(1);
        expect(one!.postgres).toMatch(`${cache}/postgres-`);
        expect(said[0]).toContain(`its own user may not enter ${join(dir, 'closed', 'native')}`);
        const { stdout } = await run(one!.postgres, ['--version'], { ...user, cwd: '/' });
        expect(stdout).toMatch(/^postgres \(PostgreSQL\) \d+/);
        const copied = await readdir(cache, { recursive: true, withFileTypes: true });
        for (const entry of copied.filter((one) => !one.isSymbolicLink())) {
          const { uid, mode } = await lstat(join(entry.parentPath, entry.name));
          expect([entry.name, uid, mode & 0o022]).toEqual([entry.name, 0, 0]);
        }
      } finally {
        process.umask(umask);
      }
    });

    it('are not taken from a folder that another user can change', async () => {
      const cache = join(dir, 'foreign');
      await mkdir(cache);
      await chown(cache, user.uid, user.gid);
      await expect(binariesFor(user, closed, { cache, progress: () => {} })).rejects.toThrow(
        /Postgres cannot run as root.*is not a folder that only root can change.*set DATABASE_URL/,
      );
    });

    it('are used in place when the user may enter', async () => {
      const open = await packagedBinaries();
      expect(await binariesFor(null, open, { progress: () => {} })).toBe(open);
      expect(await binariesFor(null, closed, { progress: () => {} })).toBe(closed);
    });
  },
);
