import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/db/migrate.js';
import { claimDue, recordAttempts } from '../../src/db/open-deliveries/index.js';
import { createPool, type Pool } from '../../src/db/pool.js';
import { packagedBinaries, binariesFor } from '../../src/embedded/postgres-binaries.js';
import { accessTo, asSuperuser } from '../../src/embedded/postgres-data.js';
import { startPostgres, type EmbeddedPostgres } from '../../src/embedded/postgres.js';
import { postgresUser } from '../../src/embedded/postgres-user.js';
import { accept, addEndpoint, newEvent, recordOf, type Result } from '../support/open-deliveries.js';

/** Events of a commit. */
const GROUP = 26;
const GROUPS = 10;
// Nothing else writes: neither full pages after a checkpoint, nor a vacuum.
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'autovacuum=off', 'checkpoint_timeout=1h'];

let dir: string;
let postgres: EmbeddedPostgres;
let pool: Pool;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-test-'));
  await chmod(dir, 0o711);
  const data = join(dir, 'postgres');
  await (await startPostgres({ dir: data })).stop();
  // The extension reads the log of writes, which our role may not.
  const user = await postgresUser(join(data, 'data'));
  const binaries = await binariesFor(user, await packagedBinaries(), { progress: () => {} });
  await asSuperuser(binaries, await accessTo(join(data, 'data'), user), 'surehook', [
    'create extension pg_walinspect',
    'grant pg_read_server_files to surehook',
    'grant pg_monitor to surehook',
  ]);
  postgres = await startPostgres({ dir: data, settings: SETTINGS });
  await migrate(postgres.url);
  pool = createPool(postgres.url, 1, { planOnce: true });
});
afterAll(async () => {
  await pool.end();
  await postgres.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Entries that `work` adds to indexes, as the log of writes has them. */
async function indexEntries(work: () => Promise<void>): Promise<number> {
  const position = async () =>
    (await pool.query<{ at: string }>('select pg_current_wal_insert_lsn()::text as at')).rows[0]!.at;
  const from = await position();
  await work();
  const { rows } = await pool.query<{ entries: number }>(
    `select coalesce(sum(count), 0)::int as entries from pg_get_wal_stats($1::pg_lsn, $2::pg_lsn, true)
     where "resource_manager/record_type" like 'Btree/INSERT%'`,
    [from, await position()],
  );
  return rows[0]!.entries;
}

interface Claim {
  id: string;
  claim: number;
  number?: number;
}

test('a delivery adds few entries to indexes', async () => {
  await addEndpoint(pool, { types: ['order.created'] });
  const acceptAll = async () => {
    const claims: Claim[][] = [];
    for (let n = 0; n < GROUPS; n++) {
      const stored = await accept(
        pool,
        Array.from({ length: GROUP }, () => newEvent()),
      );
      claims.push(stored.flatMap(({ made }) => made.map(({ id, claim }) => ({ id, claim: claim! }))));
    }
    return claims;
  };
  const recordAll = async (groups: Claim[][], result: Result) => {
    for (const group of groups)
      await recordAttempts(
        pool,
        group.map((claim) => recordOf({ ...claim, inMs: 0 }, result)),
      );
  };
  const claimAll = async () => {
    const groups: Claim[][] = [];
    for (;;) {
      const request = {
        process: 'p1',
        limit: GROUP,
        overdueLimit: GROUP,
        except: [],
        after: '',
        window: 500,
      };
      const { claimed } = await claimDue(pool, request);
      if (claimed.length === 0) return groups;
      groups.push(claimed.map(({ id, claim, attempt_count }) => ({ id, claim, number: attempt_count + 1 })));
    }
  };
  const each = (entries: number) => entries / (GROUP * GROUPS);
  // The first rows of a table also make the pages of its indexes.
  await recordAll(await acceptAll(), 'delivered');

  let claims: Claim[][] = [];
  const accepted = each(await indexEntries(async () => void (claims = await acceptAll())));
  const delivered = each(await indexEntries(() => recordAll(claims, 'delivered')));
  claims = await acceptAll();
  await pool.query(`update open_deliveries set run_by = 'queue'`);
  const retried = each(
    await indexEntries(async () => {
      await recordAll(claims, 'retry');
      const again = await claimAll();
      expect(again.flat()).toHaveLength(GROUP * GROUPS);
      await recordAll(again, 'delivered');
    }),
  );
  expect(accepted).toBeGreaterThan(5);
  expect(accepted).toBeLessThanOrEqual(8);
  expect(delivered).toBeGreaterThan(6);
  expect(delivered).toBeLessThanOrEqual(9);
  expect(retried).toBeGreaterThan(10);
  expect(retried).toBeLessThanOrEqual(18);
});
