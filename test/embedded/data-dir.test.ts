import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDataDir } from '../../src/embedded/data-dir.js';
import { startTime } from '../../src/embedded/process-identity.js';

let parent: string;
let dir: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'surehook-data-'));
  dir = join(parent, 'data');
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const permissions = async (file: string) => (await stat(file)).mode & 0o777;
/** Opens the folder from `count` processes at once, each holding it until killed; answers what each said. */
async function openFromProcesses(count: number): Promise<{ said: string; child: ChildProcess }[]> {
  const url = new URL('../../src/embedded/data-dir.ts', import.meta.url).href;
  const code = `const { openDataDir } = await import('${url}');
    await openDataDir(${JSON.stringify(dir)}).then(() => console.log('open'), (e) => console.log(e.message));
    setInterval(() => {}, 60_000);`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', code];
  return Promise.all(
    Array.from({ length: count }, async () => {
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      return { said: line.toString().trim(), child };
    }),
  );
}

async function kill(children: { child: ChildProcess }[]): Promise<void> {
  for (const { child } of children) child.kill('SIGKILL');
  await Promise.all(children.map(({ child }) => once(child, 'exit')));
}

describe('the data folder', () => {
  it('is made so that nobody else can look into it', async () => {
    const data = await openDataDir(dir);
    expect((await permissions(dir)) & 0o066).toBe(0);
    await data.close();
    expect(await readdir(dir)).toEqual([]);
  });

  it('leaves the permissions of a folder that was there', async () => {
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
    ['a process whose number another has by now', `lock-${process.ppid}-1`],
  ])('is taken over from %s', async (_case, claim) => {
    await (await openDataDir(dir)).close();
    await writeFile(join(dir, claim), '');
    const data = await openDataDir(dir);
    expect(await readdir(dir)).toEqual([
      `lock-${process.pid}-${startTime(process.pid)?.replaceAll(/\W/g, '')}`,
    ]);
    await data.close();
  });

  it('goes to one of many processes at once, and on to the next when that one is killed', async () => {
    const many = await openFromProcesses(5);
    const winner = many.filter(({ said }) => said === 'open');
    expect(winner).toHaveLength(1);
    const refusals = many.filter(({ said }) => said !== 'open').map(({ said }) => said);
    expect(refusals.every((said) => said.includes('is in use by another surehook'))).toBe(true);

    await expect(openDataDir(dir)).rejects.toThrow(`(pid ${winner[0]?.child.pid})`);
    await kill(many);
    await (await openDataDir(dir)).close();
  });

  it('says which folder cannot be made', async () => {
    await writeFile(dir, 'a file');
    await expect(openDataDir(join(dir, 'below'))).rejects.toThrow(/data folder .*below cannot be written/);
  });
});

describe('a secret', () => {
  it('is made once, for its owner only, and found again', async () => {
    const data = await openDataDir(dir);
    const read = () => data.readOrCreateSecret('key', () => `made ${Math.random()}`);
    const first = await read();
    expect(first.created).toBe(true);
    expect(await read()).toEqual({ value: first.value, created: false });
    expect(await permissions(join(dir, 'key'))).toBe(0o600);
    await data.close();
  });

  it('is never replaced because it cannot be read', async () => {
    const data = await openDataDir(dir);
    const unreadable = data.readOrCreateSecret('.', () => 'new');
    await expect(unreadable).rejects.toThrow('EISDIR');
    await data.close();
  });
});
