import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';

/** A load generator in a process of its own. Its one argument is a `Load` as JSON; it prints what came of it. */
export interface Load {
  url: string;
  path: string;
  key: string;
  tenant: string;
  connections: number;
  /** Events in all, one after the other on each connection. */
  count?: number;
  /** Or so many a second, whatever the answers take. */
  rate?: number;
  seconds?: number;
  payload: 'small' | 'github';
  /** Event types, in turn. Default: bench.event. */
  types?: string[];
  /** Each payload has a `shard` below it, in turn. */
  shards?: number;
  /** Events in one request, above 1: POST /v1/events/batch. */
  batch?: number;
}

export interface LoadResult {
  events: number;
  seconds: number;
  /** Time to the answer, milliseconds. */
  p50: number;
  p99: number;
  statuses: Record<string, number>;
  startedAt: number;
}

const load = JSON.parse(process.argv[2]!) as Load;
const payloads = load.payload === 'small' ? [small()] : github();
const pool = new Pool(load.url, { connections: load.connections, pipelining: 1 });
const headers = { authorization: `Bearer ${load.key}`, 'content-type': 'application/json' };
const latencies: number[] = [];
const statuses: Record<string, number> = {};
let sent = 0;

const now = () => performance.timeOrigin + performance.now();
const types = load.types ?? ['bench.event'];
const event = (n: number) =>
  `{"type":"${types[n % types.length]}","tenant":"${load.tenant}","idempotency_key":"${load.tenant}-${startedAt}-${n}","payload":{"sent":${now()},${shard(n)}"data":${payloads[n % payloads.length]}}}`;
const shard = (n: number) => (load.shards ? `"shard":${n % load.shards},` : '');

async function post(): Promise<void> {
  const size = load.batch ?? 1;
  const from = sent;
  sent += size;
  const body =
    size === 1
      ? event(from)
      : `{"events":[${Array.from({ length: size }, (_, i) => event(from + i)).join()}]}`;
  const start = performance.now();
  const response = await pool.request({ path: load.path, method: 'POST', headers, body });
  await response.body.dump();
  latencies.push(performance.now() - start);
  statuses[response.statusCode] = (statuses[response.statusCode] ?? 0) + size;
}

const startedAt = Math.round(now());
if (load.count) {
  const loop = async () => {
    while (sent < load.count!) await post();
  };
  await Promise.all(Array.from({ length: load.connections }, loop));
} else {
  const posts: Promise<void>[] = [];
  for (let n = 0; n < load.rate! * load.seconds!; n++) {
    const due = startedAt + (n * 1_000) / load.rate!;
    if (due > now()) await sleep(due - now());
    posts.push(post());
  }
  await Promise.all(posts);
}
const seconds = (now() - startedAt) / 1_000;
latencies.sort((a, b) => a - b);
const at = (share: number) =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!;
const result: LoadResult = { events: sent, seconds, p50: at(0.5), p99: at(0.99), statuses, startedAt };
console.log(JSON.stringify(result));
await pool.close();

/** 200 bytes in all. */
function small(): string {
  return JSON.stringify({ order_id: '1001', total: 49.9, note: 'x'.repeat(110) });
}

/** GitHub's own examples, 1 to 30 KB. */
function github(): string[] {
  const all = createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json') as {
    examples: unknown[];
  }[];
  return all
    .flatMap(({ examples }) => examples.map((example) => JSON.stringify(example)))
    .filter((text) => text.length >= 1_000 && text.length <= 30_000);
}
