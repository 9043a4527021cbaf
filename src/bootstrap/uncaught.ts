import { loggedError } from '../observability/logged-error.js';

const FATAL = 60;

/** Node prints an error that nothing handled with all its properties, among them the rows that Postgres quotes. */
export function logUncaught(): void {
  process.on('uncaughtException', (error) => {
    const line = { level: FATAL, time: new Date().toISOString(), err: loggedError(error) };
    console.error(JSON.stringify({ ...line, msg: 'nothing handled this error; the process ends' }));
    process.exit(1);
  });
}
