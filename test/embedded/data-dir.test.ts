import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataDir } from '../../src/embedded/data-dir.js';
import { startTime } from '../../src/embedded/process-identity.js';
import { eventually } from '../support/eventually.js';

let parent: string;
let dir: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'surehook-data-'));
  dir = join(parent, 'data');
});
const started: ChildProcess[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await rm(parent, { recursive: true, force: true });
});

const permissions = async (file: string) => (await stat(file)).mode & 0o777;
interface Opener {
  said: string;
  child: ChildProcess;
}

/** Opens the folder from `count` concurrent processes that hold it until killed; returns what each printed. */
const openFromProcesses = (count: number): Promise<Opener[]> =>
  Promise.all(Array.from({ length: count }, () => openFromProcess([process.execPath])));

async function openFromProcess([command, ...args]: string[]): Promise<Opener> {
  const url = new URL('../../src/embedded/data-dir.ts', import.meta.url).href;
  const code = `const { openDataDir } = await import('${url}');
    await openDataDir(${JSON.stringify(dir)}).then(() => console.log('open'), (e) => console.log(e.message));
    setInterval(() => {}, 60_000);`;
  const run = [...args, '--import', 'tsx', '--input-type=module', '-e', code];
  const child = spawn(command!, run, { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { said: line.toString().trim(), child };
}

/** Runs Node with its own pids and network, like another container on the same folder. */
const IN_A_CONTAINER = [
  ...['unshare', '--pid', '--net', '--uts', '--ipc', '--fork', '--kill-child', '--mount-proc'],
  process.execPath,
];
const hasContainers = spawnSync(IN_A_CONTAINER[0]!, [...IN_A_CONTAINER.slice(1), '-e', '0']).status === 0;
if (!hasContainers) console.warn('unshare is refused here: two containers on one folder are not tested');

async function kill(children: Opener[]): Promise<void> {
  for (const { child } of children) child.kill('SIGKILL');
  await Promise.all(children.map(({ child }) => once(child, 'exit')));
}

describe('the data folder', () => {
  it('is created without read or write permission for other users', async () => {
    const data = await openDataDir(dir);
    expect((await permissions(dir)) & 0o066).toBe(0);
    await data.close();
    expect(await readdir(dir)).toEqual([]);
  });

  it('keeps the permissions of an existing folder', async () => {
    const before = await permissions(parent);
    await (await openDataDir(parent)).close();
    expect(await permissions(parent)).toBe(before);
  });

  it('refuses a second instance, naming the first', async () => {
    const first = await openDataDir(dir);
    await expect(openDataDir(dir)).rejects.toThrow(
      `The data folder ${dir} is in use by another surehook (pid ${process.pid})`,
    );
    await first.close();
    await (await openDataDir(dir)).close();
  });

  it.each([
    ['a process that is gone', 'lock-2147483646-1'],
    ['a process whose pid another has by now', `lock-${process.ppid}-1`],
  ])('is taken over from %s', async (_case, lockFile) => {
    await (await openDataDir(dir)).close();
    await writeFile(join(dir, lockFile), '');
    const data = await openDataDir(dir);
    const [mine, ...others] = await readdir(dir);
    expect(mine).toMatch(`lock-${process.pid}-${startTime(process.pid)?.replaceAll(/\W/g, '')}-`);
    expect(others).toEqual([]);
    await data.close();
  });

  it('is opened by one of many concurrent processes, and free again when they are killed', async () => {
    const many = await openFromProcesses(5);
    const winner = many.filter(({ said }) => said === 'open');
    expect(winner).toHaveLength(1);
    const refusals = many.filter(({ said }) => said !== 'open').map(({ said }) => said);
    expect(refusals.every((said) => said.includes('is in use by another surehook'))).toBe(true);

    await expect(openDataDir(dir)).rejects.toThrow(`(pid ${winner[0]?.child.pid})`);
    await kill(many);
    await (await openDataDir(dir)).close();
  });

  it.runIf(hasContainers)('is refused to another container, even while its holder is frozen', async () => {
    const holder = await openFromProcess([process.execPath]);
    expect(holder.said).toBe('open');
    const refusal = `(pid ${holder.child.pid} on ${hostname()}, in another container or machine)`;
    const second = await openFromProcess(IN_A_CONTAINER);
    expect(second.said).toContain(refusal);
    holder.child.kill('SIGSTOP');
    const third = await openFromProcess(IN_A_CONTAINER);
    expect(third.said).toContain(refusal);
    await kill([holder, second, third]);
  });

  it.runIf(hasContainers)('is taken over from another container that was killed', async () => {
    const holder = await openFromProcess(IN_A_CONTAINER);
    expect(holder.said).toBe('open');
    await expect(openDataDir(dir)).rejects.toThrow('in another container or machine');
    await kill([holder]);
    const [before] = await readdir(dir);
    const data = await openDataDir(dir);
    expect(await readdir(dir)).not.toContain(before);
    await data.close();
  });

  it('is refused while another machine keeps touching its lock file, and taken over when that stops', async () => {
    await (await openDataDir(dir)).close();
    const lockFile = join(dir, 'lock-7-77-f00f00f00f00f00f-far-away.example');
    await writeFile(lockFile, '');
    const beat = setInterval(() => void utimes(lockFile, new Date(), new Date()), 300);
    const said: string[] = [];
    const open = () => openDataDir(dir, { say: (line) => said.push(line), lost: () => {} });
    await expect(open()).rejects.toThrow('(pid 7 on far-away.example, in another container or machine)');
    expect(said).toEqual([expect.stringContaining('was in use on far-away.example (pid 7)')]);
    clearInterval(beat);
    const data = await open();
    expect(await readdir(dir)).not.toContain(basename(lockFile));
    await data.close();
  });

  it('tells its holder when the lock is gone', async () => {
    let lost = false;
    const data = await openDataDir(dir, { say: () => {}, lost: () => (lost = true) });
    const [lockFile] = await readdir(dir);
    await rm(join(dir, lockFile!));
    await eventually(async () => lost, 10_000);
    await data.close();
  });

  it('may have a path longer than that of a socket', async () => {
    dir = join(parent, 'x'.repeat(120));
    const data = await openDataDir(dir);
    await expect(openDataDir(dir)).rejects.toThrow('is in use by another surehook');
    await data.close();
    expect(await readdir(dir)).toEqual([]);
  });

  it('is named in the error when it cannot be created', async () => {
    await writeFile(dir, 'a file');
    await expect(openDataDir(join(dir, 'below'))).rejects.toThrow(/data folder .*below cannot be written/);
  });
});

describe('a secret', () => {
  it('is created once, readable by its owner only, and found again', async () => {
    const data = await openDataDir(dir);
    const read = () => data.readOrCreateSecret('key', () => `made ${Math.random()}`);
    const first = await read();
    expect(first.created).toBe(true);
    expect(await read()).toEqual({ value: first.value, created: false });
    expect(await permissions(join(dir, 'key'))).toBe(0o600);
    await data.close();
  });

  it('is never replaced when it cannot be read', async () => {
    const data = await openDataDir(dir);
    const unreadable = data.readOrCreateSecret('.', () => 'new');
    await expect(unreadable).rejects.toThrow('EISDIR');
    await data.close();
  });
});
