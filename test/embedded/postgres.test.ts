import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startTime } from '../../src/embedded/process-identity.js';
import { runningWith } from '../support/processes.js';
import { query } from '../support/query.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-pg-'));
  await chmod(dir, 0o711);
});
afterAll(async () => {
  expect(runningWith(dir)).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

describe('the embedded Postgres', () => {
  it('keeps its data across a restart, on any port', async () => {
    const first = await startPostgres({ dir: join(dir, 'pg') });
    await query(first.url, "create table kept as select 'Grüße' as word");
    await first.stop();
    expect(startTime(first.pid)).toBeNull();

    const second = await startPostgres({ dir: join(dir, 'pg') });
    expect(await query(second.url, 'select word from kept')).toEqual([{ word: 'Grüße' }]);
    await second.stop();
  });

  it('is configured for durability and local connections only', async () => {
    const postgres = await startPostgres({ dir: join(dir, 'pg') });
    const settings = await query(
      postgres.url,
      "select name, setting from pg_settings where name in ('fsync', 'synchronous_commit', 'listen_addresses') order by name",
    );
    expect(settings).toEqual([
      { name: 'fsync', setting: 'on' },
      { name: 'listen_addresses', setting: '127.0.0.1' },
      { name: 'synchronous_commit', setting: 'on' },
    ]);
    // The fifth line names the folder of the Unix socket: there is none.
    const note = await readFile(join(dir, 'pg', 'data', 'postmaster.pid'), 'utf8');
    expect(note.split('\n').slice(4, 6)).toEqual(['', '127.0.0.1']);
    await expect(query(postgres.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow('password');
    expect((await stat(join(dir, 'pg', 'password'))).mode & 0o777).toBe(0o600);
    await postgres.stop();
  });

  it('starts again after kill -9 with every commit', async () => {
    const killed = await startPostgres({ dir: join(dir, 'pg') });
    await query(killed.url, 'create table committed as select 42 as answer');
    process.kill(killed.pid, 'SIGKILL');

    const again = await startPostgres({ dir: join(dir, 'pg') });
    expect(await query(again.url, 'select answer from committed')).toEqual([{ answer: 42 }]);
    await again.stop();
  });

  it('starts although another program has the pid in its postmaster.pid', async () => {
    const file = join(dir, 'pg', 'data', 'postmaster.pid');
    await writeFile(file, `${process.pid}\n${join(dir, 'pg', 'data')}\n`);
    const postgres = await startPostgres({ dir: join(dir, 'pg') });
    expect(startTime(process.pid)).not.toBeNull();
    expect((await readFile(file, 'utf8')).split('\n')[0]).toBe(String(postgres.pid));
    await postgres.stop();
  });

  it('works inside a folder that only its owner may enter', async () => {
    const closed = join(dir, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const postgres = await startPostgres({ dir: join(closed, 'pg') });
    expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await postgres.stop();
  });

  it('reports the reason when it does not start', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await expect(startPostgres({ dir: join(dir, 'pg'), port })).rejects.toThrow(
      /Postgres did not start:[^]*Address already in use/,
    );
    taken.close();
  });
});
