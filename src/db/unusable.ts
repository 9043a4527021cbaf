import { messageOf } from '../lib/error-text.js';

/** An error that names the server and its variable, never the password. */
export function unusable(databaseUrl: string, why: string, cause?: unknown): Error {
  const { hostname, port } = new URL(databaseUrl);
  const where = `${hostname || 'localhost'}:${port || 5432}`;
  return new Error(`The Postgres of DATABASE_URL, at ${where}, cannot be used: ${why}.`, { cause });
}

/** A name with several addresses fails with an AggregateError without a message: use its first error. */
export function reasonOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  return messageOf(first);
}
