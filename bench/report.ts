import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** One line of the table; what was not measured is left out. */
export interface Row {
  name: string;
  events: number;
  seconds: number;
  /** Events, or what the row counts, per second. */
  perSecond: number;
  deliveriesPerSecond?: number;
  /** From the sender's request to the arrival at the receiver, milliseconds. */
  p50?: number | null;
  p99?: number | null;
  /** Milliseconds per event. */
  cpu?: Record<string, number>;
  /** Peak of all parts together, MiB. */
  memory?: number;
  lost?: number;
  repeated?: number;
  /** Figures of this row alone: not in the table. */
  more?: Record<string, number>;
}

const FIRST = '<!-- bench -->';
const LAST = '<!-- /bench -->';

/** As a table; `write`: also into docs/performance.md and docs/performance.json, in place of what was measured before. */
export function report(rows: Row[], write: boolean): void {
  console.log(`\n${table(rows)}`);
  if (!write) return;
  const before = (JSON.parse(readFileSync('docs/performance.json', 'utf8')) as { rows: Row[] }).rows;
  // The slowest kind, after the semicolon, differs from run to run.
  const all = new Map([...before, ...rows].map((row) => [row.name.split(';')[0], row]));
  const about = { cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version };
  writeFileSync(
    'docs/performance.json',
    `${JSON.stringify({ ...about, rows: [...all.values()] }, null, 2)}\n`,
  );
  const page = readFileSync('docs/performance.md', 'utf8');
  const [from, to] = [page.indexOf(FIRST) + FIRST.length, page.indexOf(LAST)];
  const text = table([...all.values()]);
  writeFileSync('docs/performance.md', `${page.slice(0, from)}\n\n${text}\n\n${page.slice(to)}`);
}

function table(rows: Row[]): string {
  const number = (value: number | null | undefined, digits = 0) =>
    value === undefined || value === null ? '' : value.toFixed(digits);
  const cells = rows.map((row) => [
    row.name,
    number(row.events),
    number(row.perSecond),
    number(row.deliveriesPerSecond),
    number(row.p50, 1),
    number(row.p99, 1),
    row.cpu
      ? Object.values(row.cpu)
          .map((ms) => number(ms, 2))
          .join(' / ')
      : '',
    number(row.memory),
    number(row.lost),
    number(row.repeated),
  ]);
  const head = [
    'what',
    'events',
    'events/s',
    'deliveries/s',
    'p50, ms',
    'p99, ms',
    'CPU ms per event: Node / Postgres / Temporal',
    'peak memory, MiB',
    'lost',
    'repeated',
  ];
  const line = (texts: string[]) => `| ${texts.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...cells.map(line)].join('\n');
}
