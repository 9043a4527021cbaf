import { statSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'undici';
import { freePort } from '../src/embedded/ports.js';
import { endpoint, type Backdrop } from './backdrop.js';
import { cpuPer } from './floors.js';
import type { Product } from './product.js';
import type { Row } from './report.js';
import { open, settled, watchMemory, withProduct } from './scenarios.js';

const STORM = Number(process.env.BENCH_STORM ?? 10_000);
const FRESH = { rate: 10, seconds: 60 };

/** 10,000 deliveries fail together, then their receiver is well again; 10 events a second go to another meanwhile. */
export function storm({ load, receiver, arrived, awaitArrival }: Backdrop): Promise<Row[]> {
  return withProduct({}, async (product) => {
    await endpoint(product, receiver, 'storm', '/well-again');
    for (const tenant of ['warm', 'before', 'during'])
      await endpoint(product, receiver, tenant, `/${tenant}`);
    const options = { url: product.url, payload: 'small' as const };
    const fresh = async (tenant: string, seconds: number, name: string): Promise<Row> => {
      const sent = await load({ ...options, connections: 64, tenant, rate: FRESH.rate, seconds });
      const at = await awaitArrival(`/${tenant}`, sent.events);
      const { p50, p99 } = at;
      const perSecond = FRESH.rate;
      return { name, events: sent.events, seconds, perSecond, p50, p99, lost: sent.events - at.distinct };
    };
    await fresh('warm', 5, '');
    const before = await fresh('before', 20, 'storm: 10/s to another endpoint, before it');

    const peak = watchMemory(product);
    const usage = product.usage();
    const sent = await load({
      ...{ ...options, path: '/v1/events/batch', batch: 100 },
      ...{ connections: 4, tenant: 'storm', count: STORM },
    });
    const during = fresh('during', FRESH.seconds, 'storm: the same 10/s, beside it');
    await awaitArrival('/well-again', sent.events);
    const failedAt = Date.now();
    const again = async () => (await arrived('/well-again')).requests - sent.events;
    for (let last = -1, at = Date.now(); (await again()) < sent.events; await sleep(200)) {
      const now = await again();
      if (now !== last) [last, at] = [now, Date.now()];
      if (Date.now() - at > 60_000) break;
    }
    const at = await arrived('/well-again');
    await settled(product);
    const seconds = (at.lastAt - failedAt) / 1_000;
    return [
      before,
      {
        name: `storm: ${STORM.toLocaleString('en')} fail together and come back`,
        events: sent.events,
        seconds,
        perSecond: sent.events / seconds,
        cpu: cpuPer(sent.events, usage.cpu, product.usage().cpu),
        memory: peak(),
        lost: 2 * sent.events - at.requests,
        repeated: Math.max(0, at.requests - 2 * sent.events),
        more: {
          firstFailuresSeconds: (failedAt - sent.startedAt) / 1_000,
          mostInOneSecond: Math.max(...at.again),
        },
      },
      await during,
    ];
  });
}

const COUNTS = [10_000, 100_000];

const FAILED_MS = 300_000;

/** The cost of deliveries that wait for a retry hours away: memory and disk, by part. */
export async function waiting({ load, receiver, arrived }: Backdrop): Promise<Row[]> {
  const inspector = await freePort();
  // 5 s become three hours.
  const rare = { SUREHOOK_RETRY_SCALE: '2000', NODE_OPTIONS: `--inspect=127.0.0.1:${inspector}` };
  return withProduct({ ...rare, SUREHOOK_WORKFLOWS: 'none' }, async (product) => {
    const path = '/fail/waiting';
    await endpoint(product, receiver, 'waiting', path);
    const rows: Row[] = [];
    let before = await measure(product, inspector);
    let count = 0;
    for (const most of COUNTS) {
      const events = most - count;
      const began = Date.now();
      const peak = watchMemory(product);
      const usage = product.usage();
      await load({
        ...{ url: product.url, path: '/v1/events/batch', batch: 100, payload: 'small' },
        ...{ connections: 4, tenant: 'waiting', count: events },
      });
      while ((await open(product, 'IN_PROGRESS')) < most && Date.now() - began < FAILED_MS) await sleep(500);
      const seconds = (Date.now() - began) / 1_000;
      const cpu = cpuPer(events, usage.cpu, product.usage().cpu);
      const more = await measure(product, inspector);
      const added = Object.fromEntries(
        Object.entries(more).map(([part, bytes]) => [part, (bytes - before[part]!) / events]),
      );
      rows.push({
        name: `waiting: ${most.toLocaleString('en')} wait for a retry`,
        ...{ events, seconds, perSecond: events / seconds, cpu, memory: peak() },
        lost: most - (await arrived(path)).distinct,
        // Bytes for each that was added.
        more: added,
      });
      before = more;
      count = most;
    }
    return rows;
  });
}

/** Bytes, once what is garbage is gone. */
async function measure(product: Product, inspector: number): Promise<Record<string, number>> {
  await sleep(10_000);
  const node = await heapOf(inspector);
  const { memory } = product.usage();
  return {
    nodeHeap: node.heapUsed + node.external,
    ...Object.fromEntries(Object.entries(memory).map(([part, mib]) => [`${part}Memory`, mib * 2 ** 20])),
    postgresDisk: sizeOf(join(product.dir, 'postgres'), (path) => path.includes('/base/')),
    temporalDisk: sizeOf(join(product.dir, 'temporal'), (path) => path.includes('/temporal-')),
  };
}

function sizeOf(dir: string, counts: (path: string) => boolean): number {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && counts(join(entry.parentPath, entry.name)))
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

interface Heap {
  heapUsed: number;
  external: number;
}

/** Asked of the process itself, after a full collection. */
async function heapOf(port: number): Promise<Heap> {
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(target!.webSocketDebuggerUrl);
  await new Promise((resolve) => socket.addEventListener('open', resolve));
  let id = 0;
  const ask = (method: string, params = {}) =>
    new Promise<{ result?: { value: Heap } }>((resolve) => {
      const mine = ++id;
      socket.addEventListener('message', ({ data }) => {
        const answer = JSON.parse(String(data)) as { id: number; result: { result?: { value: Heap } } };
        if (answer.id === mine) resolve(answer.result);
      });
      socket.send(JSON.stringify({ id: mine, method, params }));
    });
  await ask('HeapProfiler.collectGarbage');
  const answer = await ask('Runtime.evaluate', { expression: 'process.memoryUsage()', returnByValue: true });
  socket.close();
  return answer.result!.value;
}
