import { destination, pino, stdSerializers, type Logger } from 'pino';

/** JSON lines on stderr: stdout is kept for what `npm start` tells a person. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // Temporal's SDK says `error` where we say `err`.
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
    },
    destination({ dest: 2, sync: true }),
  );
}
