import type { Cluster } from './cluster.js';
import type { Arrivals } from './counting-receiver.js';
import type { Load } from './load.js';
import { until } from './wait.js';

export interface Verdict {
  events: number;
  /** Answered with 2xx, and not at the receiver or not DELIVERED. */
  lost: number;
  /** Requests more than one that the receiver had not told to come again: answered with 2xx, or not at all. */
  repeated: number;
  /** Attempts shown as WORKER_LOST. */
  workerLost: number;
  /** From the end of the fault until what was posted before was DELIVERED. */
  recoveredMs: number;
  /** A sentence for each promise broken. */
  problems: string[];
}

interface Row {
  key: string;
  event_id: string;
  status: string;
  status_reason: string | null;
  attempt_count: number;
  completed_at: Date | null;
  numbers: number[];
  lost: number;
}

const repeats = ({ requests, refused }: Arrivals = { requests: 0, accepted: 0, refused: 0 }) =>
  Math.max(0, requests - refused - 1);

/** Waits until everything accepted is DELIVERED, or for `ms`, then compares sender, database and receiver. */
export async function judge(
  cluster: Cluster,
  {
    load,
    prefix,
    endedAt,
    requestsPerAttempt,
    ms,
  }: { load: Load; prefix: string; endedAt: number; requestsPerAttempt: number; ms: number },
): Promise<Verdict> {
  const read = () => cluster.query<Row>(ROWS, [`${prefix}-%`]);
  const delivered = (row: Row) => row.status === 'DELIVERED';
  await until(async () => (await read()).every(delivered), ms, 500);
  const rows = await read();
  const byEvent = new Map(rows.map((row) => [row.event_id, row]));
  const { arrivals } = cluster.receiver;
  const problems: string[] = [];
  const report = (what: string, cases: string[]) => {
    if (cases.length) problems.push(`${cases.length} ${what}: ${cases.slice(0, 5).join('; ')}`);
  };

  const accepted = load.events.filter((sent) => sent.eventId !== undefined);
  const lost = accepted.filter(({ eventId }) => {
    const row = byEvent.get(eventId!);
    return !arrivals.get(eventId!)?.accepted || !row || !delivered(row);
  });
  report(
    'accepted but lost',
    lost.map(({ eventId }) => `${eventId} ${tell(byEvent.get(eventId!))}`),
  );
  // One key, one event: a sender's retries are recognised, and an error was not an event of its own.
  const known = new Set(accepted.map(({ eventId }) => eventId));
  report(
    'stored besides those answered with 2xx',
    rows.filter((row) => !known.has(row.event_id)).map((row) => `${row.key} ${row.event_id}`),
  );
  report(
    'with attempts missing',
    rows.filter(({ numbers }) => numbers.some((number, i) => number !== i + 1)).map(tellAll),
  );
  report(
    'with another count than attempts',
    rows.filter((row) => row.numbers.length !== row.attempt_count).map(tellAll),
  );
  report(
    'with requests that are no attempt',
    rows
      .filter((row) => (arrivals.get(row.event_id)?.requests ?? 0) > row.numbers.length * requestsPerAttempt)
      .map((row) => `${arrivals.get(row.event_id)?.requests} requests of ${tellAll(row)}`),
  );
  const answers = [...load.answers].filter(([name]) => /^\d/.test(name) && !/^(200|202|503)$/.test(name));
  report(
    'unexpected answers',
    answers.map(([name, count]) => `${name} (${count} times)`),
  );
  report(
    'retried before their time',
    (await cluster.query<{ delivery_id: string }>(EARLY, [`${prefix}-%`])).map((row) => row.delivery_id),
  );
  const [stuck] = await cluster.query<{ count: number }>(STUCK);
  if (stuck!.count > 0) problems.push(`${stuck!.count} deliveries are stuck`);

  const before = new Set(load.events.filter((sent) => sent.postedAt < endedAt).map(({ key }) => key));
  const ends = rows.filter((row) => before.has(row.key)).map((row) => row.completed_at?.getTime() ?? 0);
  return {
    events: accepted.length,
    lost: lost.length,
    repeated: rows.reduce((n, row) => n + repeats(arrivals.get(row.event_id)), 0),
    workerLost: rows.reduce((n, { lost }) => n + lost, 0),
    recoveredMs: Math.max(0, Math.max(...ends) - endedAt),
    problems,
  };
}

const ROWS = `
  select e.idempotency_key as key, e.id as event_id, d.status, d.status_reason, d.attempt_count, d.completed_at,
    array(select number from attempts a where a.delivery_id = d.id order by number) as numbers,
    (select count(*)::int from attempts a where a.delivery_id = d.id and a.classification = 'WORKER_LOST') as lost
  from events e join deliveries d on d.event_id = e.id
  where e.idempotency_key like $1`;

export const STUCK = `
  select count(*)::int as count from deliveries
  where status in ('PENDING', 'IN_PROGRESS') and coalesce(next_attempt_at, created_at) < now() - interval '1 minute'`;

const EARLY = `
  select b.delivery_id from events e join deliveries d on d.event_id = e.id join attempts a on a.delivery_id = d.id
    join attempts b on b.delivery_id = a.delivery_id and b.number = a.number + 1
  where e.idempotency_key like $1 and a.classification <> 'WORKER_LOST'
    and b.started_at < (a.detail->>'next_attempt_at')::timestamptz`;

function tell(row: Row | undefined): string {
  if (!row) return 'not stored';
  const { status, status_reason, attempt_count, numbers } = row;
  return `${status} (${status_reason}), attempt_count ${attempt_count}, attempts [${numbers.join()}]`;
}

const tellAll = (row: Row) => `${row.event_id} ${tell(row)}`;
