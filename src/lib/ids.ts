import { randomUUID } from 'node:crypto';

export type IdPrefix =
  'evt' | 'ep' | 'del' | 'att' | 'bat' | 'req' | 'sec' | 'aud' | 'prc' | 'key' | 'pos' | 'iss';

/** A prefix and a UUIDv7 (RFC 9562 section 5.7) in hex: ids sort by time and never contain a full stop. */
export function newId(prefix: IdPrefix, at?: Date): string {
  // UUIDv4 has version and variant at the same places: only the time and the version digit differ.
  const random = randomUUID();
  const ms = (at?.getTime() ?? Date.now()).toString(16).padStart(12, '0');
  return `${prefix}_${ms}7${random.slice(15, 18)}${random.slice(19, 23)}${random.slice(24)}`;
}

/** The smallest id of a moment: every id created at or after `at` sorts at or above it. */
export function lowestId(prefix: IdPrefix, at: Date): string {
  const ms = Math.max(0, at.getTime()).toString(16).padStart(12, '0');
  return `${prefix}_${ms}${'0'.repeat(20)}`;
}

/** The clocks of two machines differ by less than this. */
const CLOCK_SKEW_MS = 60 * 60 * 1000;

/**
 * The lower bound of ids with another prefix that any process created after this id: lets a look-up skip older
 * partitions.
 */
export function sinceId(prefix: IdPrefix, id: string): string {
  const ms = parseInt(id.slice(id.indexOf('_') + 1).slice(0, 12), 16);
  return lowestId(prefix, new Date(ms - CLOCK_SKEW_MS));
}

export const idPattern = (prefix: IdPrefix) => new RegExp(`^${prefix}_[0-9a-f]{32}$`);

export const isId = (prefix: IdPrefix, value: string): boolean => idPattern(prefix).test(value);
