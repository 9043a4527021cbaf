import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProduct } from './product.js';
import type { Row } from './report.js';

const AGAIN = 3;

/** `npm start` until it says that it is ready: on an empty data folder, and on the one it left. */
export async function start(): Promise<Row[]> {
  const dir = mkdtempSync(join(tmpdir(), 'surehook-start-'));
  const once = async () => {
    const product = await startProduct({ DATA_DIR: dir });
    await product.stop();
    return product.readySeconds;
  };
  const row = (name: string, seconds: number[]): Row => ({
    name: `start: npm start until it is ready, ${name}`,
    events: seconds.length,
    seconds: seconds.reduce((a, b) => a + b),
    perSecond: seconds.length / seconds.reduce((a, b) => a + b),
    p50: [...seconds].sort((a, b) => a - b)[Math.floor(seconds.length / 2)]! * 1_000,
  });
  try {
    const first = await once();
    const again: number[] = [];
    for (let i = 0; i < AGAIN; i++) again.push(await once());
    return [row('the first time', [first]), row('again', again)];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
