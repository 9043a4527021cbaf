import { destination, pino, type Logger } from 'pino';

/** JSON lines on stderr: stdout is kept for what `npm start` tells a person. */
export function createLogger(level: string): Logger {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination({ dest: 2, sync: true }),
  );
}
