/** The database is away or overloaded; no statement was sent. */
export class DatabaseAwayError extends Error {}

/** More wait for the database than may. */
export const overloaded = () => new DatabaseAwayError('The database is overloaded.');

/**
 * SQLSTATEs that blame the server or the connection, not the statement: connection (08), a removed password or database
 * (28, 3D), resources (53), operator intervention including statement timeouts (57), files (58), read-only after a
 * fail-over (25006), lock timeout (55P03), and a prepared statement missing from or already on this connection.
 */
const AWAY = /^(08|28|3D|53|57|58)|^(25006|55P03|26000|42P05)$/;
/** Node's codes for faults of the socket, TLS and name resolution, and for exhausted file descriptors or buffers. */
const UNREACHABLE =
  /^E(CONN(REFUSED|RESET|ABORTED)|PIPE|TIMEDOUT|NOTFOUND|AI_\w+|HOST(UNREACH|DOWN)|NET(UNREACH|DOWN|RESET)|ADDRNOTAVAIL|MFILE|NFILE|NOBUFS|NOENT|PROTO)$|^ERR_(SSL|TLS)_/;
/** The driver's own errors have no code, only a message. */
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
    // A migration changed the table after the statement was prepared.
    'cached plan must not change result type',
  ].join('|'),
);
/** The driver's record of prepared statements no longer matches the connection, and never will again. */
const OUT_OF_STEP = /^(08|26000$|42P05$)/;

/** The fault is the database's, not the statement's: the same request may succeed later. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof DatabaseAwayError) return true;
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string' && (AWAY.test(code) || UNREACHABLE.test(code))) return true;
  return error instanceof Error && SAID.test(error.message);
}

/** A statement ran into its timeout: it was rolled back, and Postgres is there. */
export const isTooSlow = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === '57014';

/** Whether the connection must be dropped after this error. */
export const breaksConnection = (error: unknown): boolean =>
  OUT_OF_STEP.test(String((error as { code?: unknown } | null)?.code)) ||
  (error instanceof Error && /cached plan|Received unexpected/.test(error.message));
