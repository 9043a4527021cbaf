import { destination, pino, type Logger } from 'pino';
import { loggedError } from './logged-error.js';

/** JSON lines on stderr: stdout is reserved for the messages of `npm start` to people. */
export function createLogger(level: string): Logger {
  const stderr = destination({ dest: 2, sync: true });
  // A terminal that was closed: pino ignores what follows, as for a closed pipe, and the stop goes on in order.
  stderr.prependListener('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EIO') error.code = 'EPIPE';
  });
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Temporal's SDK logs errors as `error`, we log them as `err`.
      serializers: { err: loggedError, error: loggedError },
    },
    stderr,
  );
}
