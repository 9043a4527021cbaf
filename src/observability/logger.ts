import { destination, pino, stdSerializers, type Logger } from 'pino';

/** JSON lines on stderr: stdout is reserved for the messages of `npm start` to people. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Temporal's SDK logs errors as `error`, we log them as `err`.
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
    },
    destination({ dest: 2, sync: true }),
  );
}
