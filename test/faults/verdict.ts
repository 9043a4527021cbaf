import type { Product } from './cluster.js';
import type { Arrivals } from './counting-receiver.js';
import type { Load } from './load.js';
import { until } from './wait.js';

export interface Verdict {
  events: number;
  /** Answered with 2xx, and not at the receiver or not DELIVERED. */
  lost: number;
  /** Requests beyond the first that the receiver had not asked for by a 503. */
  repeated: number;
  /** Deliveries with an attempt WORKER_LOST. */
  workerLost: number;
  /** From the beginning of the fault until they were DELIVERED. */
  workerLostMs: number;
  /** From the end of the fault until everything posted before was DELIVERED. */
  recoveredMs: number;
  /** A sentence for each promise broken. */
  problems: string[];
}

/** A claim, and the number of the attempt that is made under it. */
export interface OpenClaim {
  id: string;
  number: number;
  claimed_by: string;
}

export interface Judged {
  load: Pick<Load, 'events' | 'answers'>;
  /** By the keys of the events. */
  prefix: string;
  /** Claims that were open after processes were killed. */
  claims: OpenClaim[];
  /** By the clock of Postgres. */
  struckAt: Date;
  endedAt: Date;
  requestsPerAttempt: number;
  /** Pollers make a retry whose workflow is late after 3 s, instead of 30. */
  hurry: boolean;
  ms: number;
}

interface Row {
  key: string;
  event_id: string;
  status: string;
  status_reason: string | null;
  attempt_count: number;
  created_at: Date;
  completed_at: Date | null;
  numbers: number[];
  lost: number;
}

const NONE: Arrivals = { requests: 0, accepted: 0, refused: 0, numbers: new Set() };

/** Waits until everything accepted is DELIVERED, at most `ms`, then compares sender, database and receiver. */
export async function judge(product: Product, judged: Judged): Promise<Verdict> {
  const { load, prefix, struckAt, endedAt, requestsPerAttempt, ms } = judged;
  const read = () => product.query<Row>(ROWS, [`${prefix}-%`]);
  const isDelivered = (row: Row) => row.status === 'DELIVERED';
  const isOver = async () => {
    if (judged.hurry) await product.query(HURRY);
    return (await read()).every(isDelivered);
  };
  await until(isOver, ms, 250);
  const rows = await read();
  const byEvent = new Map(rows.map((row) => [row.event_id, row]));
  const arrivalsOf = (eventId: string) => product.receiver.arrivals.get(eventId) ?? NONE;
  const problems: string[] = [];
  const report = (what: string, cases: string[]) => {
    if (cases.length) problems.push(`${cases.length} ${what}: ${cases.slice(0, 5).join('; ')}`);
  };
  const reportRows = (what: string, broken: (row: Row) => boolean) =>
    report(
      what,
      rows
        .filter(broken)
        .map((row) => `${row.event_id} ${stateOf(row)}, ${arrivalsOf(row.event_id).requests} requests`),
    );

  const accepted = load.events.flatMap(({ eventId }) => eventId ?? []);
  const lost = accepted.filter((eventId) => {
    const row = byEvent.get(eventId);
    return arrivalsOf(eventId).accepted === 0 || !row || !isDelivered(row);
  });
  report(
    'accepted but lost',
    lost.map((eventId) => `${eventId} ${stateOf(byEvent.get(eventId))}`),
  );
  // One key is one event: repeated posts are recognised, and an error has stored nothing else.
  const known = new Set(accepted);
  reportRows('stored besides those answered with 2xx', (row) => !known.has(row.event_id));
  reportRows('with a gap in the numbers of their attempts', ({ numbers }) =>
    numbers.some((number, i) => number !== i + 1),
  );
  reportRows('with another count than attempts', (row) => row.numbers.length !== row.attempt_count);
  reportRows('with requests whose number is not in the history', (row) =>
    [...arrivalsOf(row.event_id).numbers].some((number) => !row.numbers.includes(number)),
  );
  reportRows(
    'with more requests than attempts explain',
    (row) => arrivalsOf(row.event_id).requests > row.numbers.length * requestsPerAttempt,
  );
  report(
    'claims of dead processes that left no WORKER_LOST',
    (await product.query<{ id: string }>(SILENT, [JSON.stringify(judged.claims)])).map(({ id }) => id),
  );
  const answers = [...load.answers].filter(([name]) => /^\d/.test(name) && !/^(200|202|503)$/.test(name));
  report(
    'unexpected answers',
    answers.map(([name, count]) => `${name} (${count} times)`),
  );
  report(
    'retried before their time',
    (await product.query<{ delivery_id: string }>(EARLY, [`${prefix}-%`])).map((row) => row.delivery_id),
  );
  const [stuck] = await product.query<{ count: number }>(STUCK);
  if (stuck!.count > 0) problems.push(`${stuck!.count} deliveries are stuck`);

  const lastEnd = (of: Row[]) => Math.max(0, ...of.map((row) => row.completed_at?.getTime() ?? Infinity));
  const repeats = ({ requests, refused }: Arrivals) => Math.max(0, requests - refused - 1);
  const withLost = rows.filter((row) => row.lost > 0);
  return {
    events: accepted.length,
    lost: lost.length,
    repeated: rows.reduce((sum, row) => sum + repeats(arrivalsOf(row.event_id)), 0),
    workerLost: withLost.length,
    workerLostMs: Math.max(0, lastEnd(withLost) - struckAt.getTime()),
    recoveredMs: Math.max(0, lastEnd(rows.filter((row) => row.created_at < endedAt)) - endedAt.getTime()),
    problems,
  };
}

export const claimsOf = (product: Product) =>
  product.query<OpenClaim>(
    'select id, attempt_count + 1 as number, claimed_by from open_deliveries where claimed_by is not null',
  );

const ROWS = `
  select e.idempotency_key as key, e.id as event_id, d.status, d.status_reason, d.attempt_count, d.created_at, d.completed_at,
    array(select number from attempts a where a.delivery_id = d.id order by number) as numbers,
    (select count(*)::int from attempts a where a.delivery_id = d.id and a.classification = 'WORKER_LOST') as lost
  from events e join all_deliveries d on d.event_id = e.id
  where e.idempotency_key like $1`;

const HURRY = `
  update open_deliveries set run_at = run_at - interval '30 seconds'
  where claimed_by is null and run_by = 'workflow' and run_at between now() - interval '30 seconds' and now() - interval '3 seconds'`;

/** A process that died is no longer in `processes`. */
const SILENT = `
  select c.id from json_to_recordset($1) as c (id text, number int, claimed_by text)
    left join attempts a on a.delivery_id = c.id and a.number = c.number
  where not exists (select from processes where id = c.claimed_by)
    and a.classification is distinct from 'WORKER_LOST'`;

export const STUCK = `
  select count(*)::int as count from open_deliveries
  where coalesce(claim_until, run_at) < now() - interval '1 minute'`;

const EARLY = `
  select b.delivery_id from events e join deliveries d on d.event_id = e.id join attempts a on a.delivery_id = d.id
    join attempts b on b.delivery_id = a.delivery_id and b.number = a.number + 1
  where e.idempotency_key like $1 and a.classification <> 'WORKER_LOST'
    and b.started_at < (a.detail->>'next_attempt_at')::timestamptz`;

function stateOf(row: Row | undefined): string {
  if (!row) return 'not stored';
  const { status, status_reason, attempt_count, numbers } = row;
  return `${status} (${status_reason}), attempt_count ${attempt_count}, attempts [${numbers.join()}]`;
}
