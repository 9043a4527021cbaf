import type { Answer } from '../client/index.js';
import { duration } from '../domain/duration.js';
import { dim, green, red, widthOf, yellow, type Text } from './text.js';

export type FeedAttempt = Answer<'listAttempts'>['data'][number];

/** Widths to begin with: most texts fit, so that the columns of the first lines stay where they are. */
const WIDTHS = [8, 5, 16, 32, 12, 18, 3];
/** A text that is wider moves the rest of its own line only. */
const MAX_WIDTH = 60;

const LEVELS: Record<string, Text> = {
  DELIVERED: green('INFO'),
  FAILED: red('ERROR'),
};

/** Makes one line of each attempt, in columns that widen with their texts. */
export function createAttemptLines(): (attempt: FeedAttempt) => Text[] {
  const widths = [...WIDTHS];
  return (attempt) => [
    ...cellsOf(attempt).flatMap((cell, index) => {
      widths[index] = Math.max(widths[index]!, Math.min(widthOf(cell), MAX_WIDTH));
      return [cell, ' '.repeat(Math.max(0, widths[index] - widthOf(cell)) + 2)];
    }),
    follows(attempt),
    ...(attempt.error === null ? [] : [dim(`  (${attempt.error})`)]),
  ];
}

/** Time, level, event type, URL, attempt, classification, status. */
const cellsOf = (attempt: FeedAttempt): Text[] => [
  dim(new Date(attempt.started_at).toTimeString().slice(0, WIDTHS[0])),
  LEVELS[attempt.status] ?? yellow('WARN'),
  attempt.event_type,
  attempt.url,
  `attempt ${attempt.number}/${attempt.max_attempts}`,
  attempt.classification,
  String(attempt.http_status ?? '-'),
];

function follows({ status, started_at, latency_ms, next_attempt_at }: FeedAttempt): Text {
  if (status === 'DELIVERED') return green(`delivered in ${duration(latency_ms)}`);
  if (status === 'CANCELLED') return dim('cancelled');
  if (status === 'FAILED') return red('failed, no further attempt');
  // Another record of the same attempt has said when.
  if (next_attempt_at === null) return 'next attempt follows';
  const ms = Date.parse(next_attempt_at) - Date.parse(started_at) - latency_ms;
  return `next attempt in ${duration(Math.max(0, ms))}`;
}
