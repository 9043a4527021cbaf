import { setTimeout as sleep } from 'node:timers/promises';
import { startBackdrop, type Backdrop } from './backdrop.js';
import { floorA, floorB } from './floors.js';
import { held } from './held.js';
import { report, type Row } from './report.js';
import { SCENARIOS } from './scenarios.js';
import { start } from './start.js';
import { storm, waiting } from './storm.js';

/**
 * `npm run bench [-- names…] [--write]`: the product as `npm start` runs it, between a load generator and a receiver in
 * processes of their own, beside two floors. `--write` keeps the results in docs/.
 */
const names = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const chosen = (name: string) => names.length === 0 || names.includes(name);

const backdrop: Backdrop = await startBackdrop();
const rows: Row[] = [];
const add = (row: Row) => {
  rows.push(row);
  console.log(JSON.stringify(row));
};
try {
  if (chosen('floorA')) (await floorA(backdrop)).forEach(add);
  if (chosen('floorB')) add(await floorB());
  for (const [name, scenario] of Object.entries({ ...SCENARIOS, held, storm, waiting, start })) {
    if (!chosen(name)) continue;
    for (const row of await scenario(backdrop)) add(row);
    // The next scenario must not pay for the disk writes of this one.
    await sleep(2_000);
  }
} finally {
  await backdrop.close();
}
report(rows, process.argv.includes('--write'));
process.exitCode = rows.some(({ lost }) => lost) ? 1 : 0;
