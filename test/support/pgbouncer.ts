import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, isListening } from '../../src/embedded/ports.js';
import { eventually } from './eventually.js';

const PATH = `${process.env.PATH}:/usr/sbin`;

export const hasPgBouncer = (() => {
  try {
    execFileSync('pgbouncer', ['--version'], { stdio: 'ignore', env: { PATH } });
    return true;
  } catch {
    return false;
  }
})();

export interface PgBouncer {
  /** URL of the original database through PgBouncer. */
  url: string;
  /** Reloads PgBouncer with other settings. */
  reload(settings: string[]): Promise<void>;
  stop(): Promise<void>;
}

/** A real PgBouncer in front of `databaseUrl`. `settings`, as `name = value`, override its defaults. */
export async function startPgBouncer(databaseUrl: string, settings: string[]): Promise<PgBouncer> {
  const { hostname, port, username, password, pathname } = new URL(databaseUrl);
  const dir = await mkdtemp(join(tmpdir(), 'surehook-pgbouncer-'));
  const listen = await freePort();
  const ini = join(dir, 'pgbouncer.ini');
  const write = (more: string[]) =>
    writeFile(
      ini,
      [
        '[databases]',
        `* = host=${hostname} port=${port} user=${username} password=${password}`,
        '[pgbouncer]',
        ...['listen_addr = 127.0.0.1', `listen_port = ${listen}`, 'unix_socket_dir =', 'auth_type = any'],
        ...more,
        '',
      ].join('\n'),
    );
  await write(settings);
  await chmod(dir, 0o755);
  // PgBouncer refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn('pgbouncer', ['-q', ...user, ini], { env: { PATH }, stdio: 'ignore' });
  const exited = once(child, 'exit');
  await eventually(() => isListening(listen), 10_000);
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${listen}${pathname}`,
    async reload(more) {
      await write(more);
      child.kill('SIGHUP');
    },
    async stop() {
      child.kill('SIGKILL');
      await exited;
      await rm(dir, { recursive: true });
    },
  };
}
