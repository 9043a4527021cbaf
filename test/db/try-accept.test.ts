import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/db/migrate.js';
import { createPool } from '../../src/db/pool.js';
import { tryAccept } from '../../src/db/try-accept.js';
import { createDatabase, eventually } from '../support/service.js';
import { query } from '../support/query.js';

let databaseUrl: string;
beforeAll(async () => {
  databaseUrl = await createDatabase(`try_accept_${process.pid}`);
  await migrate(databaseUrl);
});

const tables = () => query(databaseUrl, `select oid from pg_class where relname = 'surehook_room'`);

test('the temporary table of a trial goes with its connection, and the next trial makes another', async () => {
  const pool = createPool(databaseUrl, 1, { keepSeconds: 2 });
  afterAll(() => pool.end());
  await tryAccept(pool);
  const made = await tables();
  expect(made).toHaveLength(1);
  // The connection is idle from now on: steady events make trials unnecessary.
  await eventually(async () => (await tables()).length === 0, 30_000);
  await tryAccept(pool);
  const again = await tables();
  expect(again).toHaveLength(1);
  expect(again).not.toEqual(made);
});
