/** One sentence with the server and its variable, and never the password. */
export function unusable(databaseUrl: string, why: string, cause?: unknown): Error {
  const { hostname, port } = new URL(databaseUrl);
  const where = `${hostname || 'localhost'}:${port || 5432}`;
  return new Error(`The Postgres of DATABASE_URL, at ${where}, cannot be used: ${why}.`, { cause });
}

/** Of a name with several addresses, each has its error, and the whole has no words. */
export function reasonOf(error: unknown): string {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  return first instanceof Error ? first.message : String(first);
}
