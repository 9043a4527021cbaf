import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '../src/embedded/postgres.js';
import type { Backdrop } from './backdrop.js';
import type { Load } from './load.js';
import { cpuSecondsOf, end, firstLine, script, startProduct } from './product.js';
import type { Row } from './report.js';

const EVENTS = 20_000;
const WORKFLOWS = 1_500;

type How = Pick<Load, 'count' | 'rate' | 'seconds' | 'payload'>;

/** bench/floor-a.ts: HTTP in, one group commit, HTTP out, one group record. Each row as one of the product's. */
export async function floorA(backdrop: Backdrop): Promise<Row[]> {
  const offered = (rate: number, seconds: number) =>
    startFloor(backdrop, async (run) => {
      await run('warm', '/floor/warm', { rate, seconds: 5, payload: 'github' });
      return [await run(`${rate}/s offered`, `/floor/${rate}`, { rate, seconds, payload: 'github' })];
    });
  const closed = await startFloor(backdrop, async (run) => {
    await run('warm', '/floor/warm', { count: 2_000, payload: 'small' });
    const small = { count: EVENTS, payload: 'small' } as const;
    return [
      await run('closed loop, 64 connections, 200 bytes', '/floor/small', small),
      await run('the same, GitHub payloads', '/floor/github', { count: EVENTS, payload: 'github' }),
      await run('fan-out of 10', '/floor/fan', { count: 4_000, payload: 'small' }, 10),
    ];
  });
  return [...closed, ...(await offered(50, 20)), ...(await offered(500, 15))];
}

/** A new one each, as cold as the product is when it is measured. */
async function startFloor(
  { load, receiver, awaitArrival }: Backdrop,
  work: (run: (name: string, path: string, how: How, fanOut?: number) => Promise<Row>) => Promise<Row[]>,
): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'surehook-floor-'));
  const postgres = await startPostgres({ dir });
  const child = script('bench/floor-a.ts', [postgres.url, receiver]);
  const cpuOf = () => ({ node: cpuSecondsOf(child.pid!) });
  try {
    const { port } = await firstLine<{ port: number }>(child);
    const url = `http://127.0.0.1:${port}`;
    return await work(async (name, path, how, fanOut = 1) => {
      // Paths of another floor are counted apart.
      const own = `${path}-${port}`;
      await fetch(`${url}${own}?fanOut=${fanOut}`, { method: 'PUT' });
      const before = cpuOf();
      const sent = await load({ url, path: '/', tenant: 'floor', connections: 64, ...how });
      const at = await Promise.all(
        Array.from({ length: fanOut }, (_, i) =>
          awaitArrival(fanOut === 1 ? own : `${own}/${i}`, sent.events),
        ),
      );
      await sleep(1_000);
      const lastAt = Math.max(...at.map((one) => one.lastAt));
      const seconds = (lastAt - sent.startedAt) / 1_000;
      const { p50, p99 } = at[0]!;
      return {
        name: `floor A: ${name}`,
        ...{ events: sent.events, seconds, perSecond: sent.events / seconds, p50, p99 },
        ...(fanOut > 1 ? { deliveriesPerSecond: (sent.events * fanOut) / seconds } : {}),
        cpu: cpuPer(sent.events, before, cpuOf()),
      };
    });
  } finally {
    await end(child);
    await postgres.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** bench/floor-b.ts: an empty workflow, started and completed through the product's own worker. */
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
