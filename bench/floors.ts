import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../src/embedded/postgres.js';
import type { Backdrop } from './backdrop.js';
import type { Load } from './load.js';
import { end, firstLine, script, startProduct } from './product.js';
import type { Row } from './report.js';

const EVENTS = 20_000;
const OFFERED = { rate: 50, seconds: 20 };
const WORKFLOWS = 1_500;

/** bench/floor-a.ts: HTTP in, one group commit, HTTP out, one group record. As in `a`, and as at 50/s in `b`. */
export async function floorA({ load, receiver, awaitArrival }: Backdrop): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'surehook-floor-'));
  const postgres = await startPostgres({ dir });
  const child = script('bench/floor-a.ts', [postgres.url, receiver]);
  try {
    const { port } = await firstLine<{ port: number }>(child);
    const url = `http://127.0.0.1:${port}`;
    const options = { url, path: '/', tenant: 'floor', connections: 64 };
    const run = async (path: string, how: Pick<Load, 'count' | 'rate' | 'seconds' | 'payload'>) => {
      await fetch(`${url}${path}`, { method: 'PUT' });
      const { events, startedAt } = await load({ ...options, ...how });
      return { events, startedAt, ...(await awaitArrival(path, events)) };
    };
    const row = (
      name: string,
      { events, startedAt, lastAt, p50, p99 }: Awaited<ReturnType<typeof run>>,
    ): Row => {
      const seconds = (lastAt - startedAt) / 1_000;
      return { name: `floor A: ${name}`, events, seconds, perSecond: events / seconds, p50, p99 };
    };
    await run('/floor/warm', { count: 2_000, payload: 'small' });
    const closed = await run('/floor/closed', { count: EVENTS, payload: 'small' });
    await sleep(1_000);
    const offered = await run('/floor/offered', { ...OFFERED, payload: 'github' });
    return [
      row('HTTP in, group commit, HTTP out, group record', closed),
      row(`the same, ${OFFERED.rate}/s offered`, offered),
    ];
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
