import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Pool } from 'undici';
import { startPostgres } from '../src/embedded/postgres.js';
import { KINDS, type Group, type Sample } from './listing-kinds.js';
import { seedListing } from './listing-seed.js';
import { KEY, startProduct, type Product } from './product.js';
import type { Row } from './report.js';

/** Requests of each kind, half of them for a page somewhere in the history; of other rows each time. */
const OF_EACH = 200;
/** Groups whose requests name a page. */
const PAGED = ['list', 'search by filter', 'search by text'];
/** As many dashboards ask at a time. */
const AT_ONCE = 4;

/**
 * The queries of an operator's dashboard, with 1,000,000 deliveries in the table: every filter and what they are combined
 * with, also what matches nothing. All kinds in one shuffled row.
 */
export async function listing(): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'surehook-listing-'));
  const postgres = await startPostgres({ dir });
  try {
    await seedListing(postgres.url);
    const samples = await sample(postgres.url);
    const product = await startProduct({ DATABASE_URL: postgres.url });
    try {
      await allCounted(product);
      await ask(product.url, requestsOf(samples, 10));
      const began = performance.now();
      const asked = await ask(product.url, requestsOf(samples, OF_EACH));
      return rowsOf(asked, (performance.now() - began) / 1_000);
    } finally {
      await product.stop();
    }
  } finally {
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Waits until the product has counted what was seeded; it says how long that took. */
async function allCounted(product: Product): Promise<void> {
  const began = performance.now();
  for (;;) {
    const { complete_to } = await product.call<{ complete_to: string | null }>('GET', '/v1/stats');
    if (complete_to !== null) break;
    await sleep(200);
  }
  console.log(`h: counted for the statistics in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
}

/** Deliveries at random, each with what one may look for of it. */
async function sample(databaseUrl: string): Promise<Sample[]> {
  const db = new pg.Client(databaseUrl);
  await db.connect();
  try {
    const { rows } = await db.query<Sample>(`
      with chosen as (select * from deliveries tablesample bernoulli (0.05)),
        dead as (select endpoint_id from deliveries where tenant = 'tenant-1' and status = 'FAILED' limit 1),
        hot as (select ids[1] as id from (select array_agg(id order by id) as ids from endpoints where tenant = 'big') big)
      select d.id, d.event_id, d.endpoint_id, d.tenant, d.event_type, e.idempotency_key, d.created_at, dead.endpoint_id as dead,
        hot.id as hot, (select max(id) from batches) as batch
      from chosen d join events e on e.id = d.event_id, dead, hot order by random() limit ${OF_EACH}`);
    return rows;
  } finally {
    await db.end();
  }
}

interface Request {
  kind: string;
  group: Group;
  path: string;
}

function requestsOf(samples: Sample[], each: number): Request[] {
  const requests = Object.entries(KINDS).flatMap(([group, kinds]) =>
    Object.entries(kinds).flatMap(([kind, pathOf]) =>
      samples.slice(0, each).map((of, nth) => {
        const path = pathOf(of);
        // A page's cursor is the last id of the page before.
        const id = path.includes('/events') ? of.event_id : of.id;
        const cursor = `${path.includes('?') ? '&' : '?'}cursor=${Buffer.from(id).toString('base64url')}`;
        const deep = nth % 2 === 1 && PAGED.includes(group);
        return { kind, group: group as Group, path: deep ? path + cursor : path };
      }),
    ),
  );
  return requests
    .map((request) => ({ request, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ request }) => request);
}

type Asked = Request & { ms: number };

async function ask(url: string, requests: Request[]): Promise<Asked[]> {
  const pool = new Pool(url, { connections: AT_ONCE, pipelining: 1 });
  const headers = { authorization: `Bearer ${KEY}` };
  const asked: Asked[] = [];
  let next = 0;
  const loop = async () => {
    for (let request = requests[next++]; request; request = requests[next++]) {
      const start = performance.now();
      const response = await pool.request({ method: 'GET', path: request.path, headers });
      const text = await response.body.text();
      if (response.statusCode !== 200) throw new Error(`${request.path}: ${response.statusCode} ${text}`);
      asked.push({ ...request, ms: performance.now() - start });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, loop));
  await pool.close();
  return asked;
}

/** A row for each group, with its slowest kind in the name; each kind on its own is printed. */
function rowsOf(asked: Asked[], seconds: number): Row[] {
  return Object.entries(KINDS).map(([group, kinds]) => {
    const each = Object.keys(kinds)
      .map((kind) => ({ kind, ...spread(asked.filter((one) => one.group === group && one.kind === kind)) }))
      .sort((a, b) => b.p99 - a.p99);
    for (const { kind, p50, p99 } of each)
      console.log(`h: ${group}: ${kind}: p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)}`);
    const all = asked.filter((one) => one.group === group);
    const [slowest] = each;
    return {
      name: `h: ${group}, 1,000,000 deliveries; slowest of ${each.length}: ${slowest!.kind} (p99 ${slowest!.p99.toFixed(1)})`,
      events: all.length,
      seconds,
      perSecond: all.length / seconds,
      ...spread(all),
    };
  });
}

function spread(asked: Asked[]): { p50: number; p99: number } {
  const sorted = asked.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { p50: at(0.5), p99: at(0.99) };
}
