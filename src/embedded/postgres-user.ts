import { execFile } from 'node:child_process';
import { chown, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PostgresUser {
  /** Makes a file or folder of ours the server's. */
  own(path: string): Promise<void>;
  /** What to spawn so that `command` runs as that user. */
  command(command: string, args: string[]): { command: string; args: string[]; uid?: number; gid?: number };
}

type Ids = { uid: number; gid: number };

/** Postgres refuses to run as root: then it runs as the owner of its data, or as the system's user `postgres`. */
export async function postgresUser(data: string, binary: string): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) {
    return { own: async () => {}, command: (command, args) => ({ command, args }) };
  }
  const ids = (await ownerOf(data)) ?? (await systemUser());
  const dir = dirname(data);
  const own = (path: string) => chown(path, ids.uid, ids.gid);
  await own(dir);

  const plain = (command: string, args: string[]) => ({ command, args, ...ids });
  if (await reaches(plain, dir, binary)) return { own, command: plain };
  // Under a closed folder such as /root the server needs one capability, the narrower one where the system grants it.
  for (const capability of ['dac_read_search', 'dac_override']) {
    const privileged = withCapability(ids, capability);
    if (await reaches(privileged, dir, binary)) return { own, command: privileged };
  }
  throw new Error(
    `Postgres cannot run as root, and its own user may not enter ${dir} or ${dirname(binary)}; ` +
      'move both out of the closed folder (DATA_DIR names the first), run as another user, or set DATABASE_URL.',
  );
}

async function ownerOf(data: string): Promise<Ids | null> {
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

/** The secure bit makes access(2), which Postgres asks about its own binary, count the capability too. */
function withCapability({ uid, gid }: Ids, capability: string): PostgresUser['command'] {
  const ids = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--securebits=+no_setuid_fixup'];
  const caps = [`--inh-caps=+${capability}`, `--ambient-caps=+${capability}`];
  return (command, args) => ({ command: 'setpriv', args: [...ids, ...caps, command, ...args] });
}

async function reaches(as: PostgresUser['command'], dir: string, binary: string): Promise<boolean> {
  const { command, args, ...ids } = as('test', ['-w', dir, '-a', '-x', dir, '-a', '-x', binary]);
  return run(command, args, { ...ids, cwd: '/' }).then(
    () => true,
    () => false,
  );
}
