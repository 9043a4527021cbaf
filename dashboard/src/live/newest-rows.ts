const SHOWN = 20;

/** The newest of these events, newest first, each once. */
export const newestEvents = <Row extends { id: string; created_at: string }>(rows: Row[]): Row[] =>
  newest(
    rows,
    ({ id }) => id,
    ({ created_at }) => Date.parse(created_at),
  );

interface Attempt {
  delivery_id: string;
  number: number;
  started_at: string;
  latency_ms: number;
}

/** The same of attempts, which are told of when they have ended: a slow one is new, too. */
export const newestAttempts = <Row extends Attempt>(rows: Row[]): Row[] =>
  newest(
    rows,
    ({ delivery_id, number }) => `${delivery_id} ${number}`,
    ({ started_at, latency_ms }) => Date.parse(started_at) + latency_ms,
  );

function newest<Row>(rows: Row[], idOf: (row: Row) => string, atOf: (row: Row) => number): Row[] {
  const byId = new Map(rows.map((row) => [idOf(row), row]));
  return [...byId.values()].sort((a, b) => atOf(b) - atOf(a)).slice(0, SHOWN);
}
