import { InvalidArgumentError, type Command } from 'commander';
import type { Pages } from '../client/index.js';
import type { Column, Output } from './output.js';

export interface ListOptions {
  limit: number;
}

export interface TimeOptions {
  from?: string;
  to?: string;
}

/** The most that the API gives at once. */
const MAX_PAGE = 250;
const UNIT_MS: Record<string, number> = { s: 1_000, min: 60_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export const withLimit = (command: Command): Command =>
  command.option('--limit <n>', 'rows at most; 0: all', wholeNumber, 50);

export const withTimes = (command: Command): Command =>
  command
    .option('--from <time>', 'not before: ISO 8601, or a time ago such as 90s, 30m, 2h, 3d', timeAgo)
    .option('--to <time>', 'before', timeAgo);

export function wholeNumber(given: string): number {
  if (!/^\d{1,9}$/.test(given)) throw new InvalidArgumentError('Must be a whole number.');
  return Number(given);
}

/** Reads a rate per second, such as 0.5. */
export function parseRate(given: string): number {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(given)) throw new InvalidArgumentError('Must be a number, 0 or more.');
  return Number(given);
}

/** Reads a name of a list, in whatever case. */
export const oneOf =
  <Name extends string>(names: readonly Name[]) =>
  (given: string): Name => {
    const found = names.find((name) => name.toLowerCase() === given.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`Must be one of ${names.join(', ')}.`);
    return found;
  };

export const splitList = (given: string): string[] => given.split(',').map((part) => part.trim());

/** Reads a time before now: ISO 8601, or how long ago. */
const timeAgo = (given: string) => readTime(given, -1, '2h for two hours ago');

/** Reads a time after now: ISO 8601, or in how long. */
export const timeAhead = (given: string) => readTime(given, 1, '30d for in 30 days');

function readTime(given: string, sign: 1 | -1, example: string): string {
  const [, amount, unit] = /^(\d{1,6})\s*(s|min|m|h|d)$/.exec(given) ?? [];
  if (amount !== undefined)
    return new Date(Date.now() + sign * Number(amount) * UNIT_MS[unit!]!).toISOString();
  if (Number.isNaN(Date.parse(given)))
    throw new InvalidArgumentError(`Must be a time such as 2026-01-31T14:00:00Z, or ${example}.`);
  return new Date(given).toISOString();
}

/** Writes a list down to its limit: a table, or an object a line. `read` gets the size of a page. */
export async function writeList<Row>(
  out: Output,
  { limit }: ListOptions,
  read: (limit: number) => Pages<Row>,
  columns: Column<Row>[],
): Promise<void> {
  const most = limit === 0 ? Infinity : limit;
  const rows: Row[] = [];
  let written = 0;
  // One more than is shown says whether there are more.
  for await (const row of read(Math.min(most + 1, MAX_PAGE))) {
    if (written === most) {
      out.note(`There are more: --limit ${limit * 2}, or 0 for all.`);
      break;
    }
    written++;
    if (out.json) out.object(row);
    else rows.push(row);
  }
  if (rows.length > 0) out.table(rows, columns);
  else if (written === 0) out.note('Nothing found.');
}
