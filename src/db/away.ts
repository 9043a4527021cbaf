/** The database is away or overloaded; nothing was asked of it. */
export class DatabaseAwayError extends Error {}

/**
 * SQLSTATEs that blame the server or the connection, and no statement: connection (08), a password or a database that is
 * no more (28, 3D), resources (53), operator intervention, a statement out of time included (57), files (58), read-only
 * after a fail-over, a lock that was not got in time, and a prepared statement that is not on this connection, or is already.
 */
const AWAY = /^(08|28|3D|53|57|58)|^(25006|55P03|26000|42P05)$/;
/** Of Node: the socket, the name, and all that is open in this process. */
const UNREACHABLE =
  /^E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|NOTFOUND|AI_\w+|HOST(UNREACH|DOWN)|NET(UNREACH|DOWN|RESET)|ADDRNOTAVAIL|MFILE|NFILE|NOBUFS|NOENT|PROTO)$|^ERR_(SSL|TLS)_/;
/** Of the driver, which gives them no code. */
const SAID = new RegExp(
  [
    'Connection terminated',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'is not queryable',
    'after calling end on the pool',
    'SSL connection',
    '^SASL',
    'Received unexpected \\w+ message from backend',
    // A migration has changed the table since the statement was prepared.
    'cached plan must not change result type',
  ].join('|'),
);
/** What was prepared is not what the driver takes for it, now and for as long as the connection lasts. */
const OUT_OF_STEP = /^(08|26000$|42P05$)/;

/** Says "the database is away", not "the statement is wrong": the same request may do later. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof DatabaseAwayError) return true;
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && (AWAY.test(code) || UNREACHABLE.test(code))) return true;
  return error instanceof Error && SAID.test(error.message);
}

/** Whether the connection is to be dropped after this. */
export const breaksConnection = (error: unknown): boolean =>
  OUT_OF_STEP.test(String((error as { code?: unknown } | null)?.code)) ||
  (error instanceof Error && /cached plan|Received unexpected/.test(error.message));
