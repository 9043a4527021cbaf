import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../src/embedded/postgres.js';
import type { Backdrop } from './backdrop.js';
import { end, firstLine, script, startProduct } from './product.js';
import type { Row } from './report.js';

const EVENTS = 20_000;
const WORKFLOWS = 1_500;

/** bench/floor-a.ts: HTTP in, one group commit, HTTP out, one group record. */
export async function floorA({ load, receiver, awaitArrival }: Backdrop): Promise<Row> {
  const dir = mkdtempSync(join(tmpdir(), 'surehook-floor-'));
  const postgres = await startPostgres({ dir });
  const child = script('bench/floor-a.ts', [postgres.url, `${receiver}/floor`]);
  try {
    const { port } = await firstLine<{ port: number }>(child);
    const url = `http://127.0.0.1:${port}`;
    const run = (count: number) =>
      load({ url, path: '/', tenant: 'floor', connections: 64, count, payload: 'small' });
    await run(2_000);
    const before = await awaitArrival('/floor', 2_000);
    const { startedAt } = await run(EVENTS);
    const arrived = await awaitArrival('/floor', before.distinct + EVENTS);
    const seconds = (arrived.lastAt - startedAt) / 1_000;
    return {
      name: 'floor A: HTTP in, group commit, HTTP out, group record',
      events: EVENTS,
      seconds,
      perSecond: EVENTS / seconds,
      p50: arrived.p50,
      p99: arrived.p99,
    };
  } finally {
    await end(child);
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** bench/floor-b.ts: a workflow that carries nothing, started and completed through the product's own worker. */
export async function floorB(): Promise<Row> {
  const product = await startProduct({});
  try {
    const before = product.usage();
    const child = script('bench/floor-b.ts', [product.temporalAddress, String(WORKFLOWS)]);
    const { seconds } = await firstLine<{ seconds: number }>(child);
    const { cpu } = product.usage();
    return {
      name: 'floor B: an empty workflow started and completed',
      events: WORKFLOWS,
      seconds,
      perSecond: WORKFLOWS / seconds,
      cpu: cpuPer(WORKFLOWS, before.cpu, cpu),
    };
  } finally {
    await product.stop();
  }
}

/** CPU milliseconds per event. */
export function cpuPer(
  events: number,
  before: Record<string, number>,
  after: Record<string, number>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([part, seconds]) => [part, ((seconds - before[part]!) * 1_000) / events]),
  );
}
