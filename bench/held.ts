import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../src/embedded/postgres.js';
import { endpoint, type Backdrop } from './backdrop.js';
import type { Row } from './report.js';
import { outcome, withProduct } from './scenarios.js';

const RATE = 500;
/** Measured at the end of either. */
const MEASURED_SECONDS = 60;
/** How long the transaction is open before that. */
const HELD_SECONDS = Number(process.env.BENCH_HELD ?? 240);

/**
 * 500 events a second, and the same in the fifth minute of a transaction that has a snapshot: until it ends, Postgres
 * removes no dead row of the 150,000 deliveries of these minutes.
 */
export async function held({ load, receiver, awaitArrival }: Backdrop): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'surehook-held-'));
  const postgres = await startPostgres({ dir });
  const report = new pg.Client(postgres.url);
  try {
    const env = { DATABASE_URL: postgres.url, SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8' };
    return await withProduct(env, async (product) => {
      for (const tenant of ['before', 'meanwhile', 'held'])
        await endpoint(product, receiver, tenant, `/held/${tenant}`);
      const measure = async (tenant: string, seconds: number, name: string): Promise<Row> => {
        const how = { rate: RATE, seconds, connections: 64, payload: 'small' } as const;
        const sent = await load({ url: product.url, tenant, ...how });
        const arrived = await awaitArrival(`/held/${tenant}`, sent.events);
        const perSecond = sent.events / ((arrived.lastAt - sent.startedAt) / 1_000);
        const { p50, p99 } = arrived;
        return { name, events: sent.events, seconds, perSecond, p50, p99, ...outcome(sent, arrived, 1) };
      };
      const before = await measure('before', MEASURED_SECONDS, 'held: 500/s');
      await report.connect();
      await report.query('begin isolation level repeatable read');
      await report.query('select from events limit 1');
      await measure('meanwhile', HELD_SECONDS, '');
      const name = `held: the same after ${HELD_SECONDS / 60} minutes of an open transaction`;
      return [before, await measure('held', MEASURED_SECONDS, name)];
    });
  } finally {
    await report.end().catch(() => {});
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
