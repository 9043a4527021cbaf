import { execFile } from 'node:child_process';
import { lstat, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { serverEnv } from './child-env.js';

const run = promisify(execFile);

export interface Ids {
  uid: number;
  gid: number;
}

/**
 * The user that Postgres runs as; null: our own. Postgres refuses to run as root: then it runs as the owner of its
 * data, or as the system's user `postgres`, without any capability.
 */
export async function postgresUser(data: string): Promise<Ids | null> {
  if (process.geteuid?.() !== 0) return null;
  return (await ownerOf(data)) ?? (await systemUser());
}

async function ownerOf(data: string): Promise<Ids | null> {
  const link = await lstat(data).catch(() => null);
  if (link?.isSymbolicLink() && link.uid !== 0) {
    throw new Error(`${data} is a symbolic link that user ${link.uid} made; root does not follow it.`);
  }
  const { uid, gid } = await stat(data).catch(() => ({ uid: 0, gid: 0 }));
  return uid === 0 ? null : { uid, gid };
}

async function systemUser(): Promise<Ids> {
  const id = async (flag: string) => Number((await run('id', [flag, 'postgres'])).stdout);
  try {
    const known = await id('-u').catch(() => null);
    if (known === null) await run('useradd', ['--system', '--no-create-home', '--user-group', 'postgres']);
    return { uid: await id('-u'), gid: await id('-g') };
  } catch (error) {
    const message =
      'Postgres cannot run as root, and no user postgres could be made: run as another user or set DATABASE_URL.';
    throw new Error(message, { cause: error });
  }
}

/** Whether `user` may enter the folder, run the program and read the file in `paths`. */
export async function reaches(user: Ids | null, paths: { enter?: string; run?: string; read?: string }) {
  if (user === null) return true;
  const tests = Object.entries(paths).map(([kind, path]) => [kind === 'read' ? '-r' : '-x', path]);
  const script = 'while [ $# -gt 0 ]; do [ "$1" "$2" ] || exit 1; shift 2; done';
  return run('/bin/sh', ['-c', script, 'sh', ...tests.flat()], { ...user, cwd: '/', env: serverEnv() }).then(
    () => true,
    () => false,
  );
}
