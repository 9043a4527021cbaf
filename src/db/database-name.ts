import pg from 'pg';

/** The database that a URL names, without its user and password. */
export function databaseOf(url: string): { host: string; port: number; name: string } {
  const { host, port, database = '' } = new pg.Client(url);
  return { host, port, name: database };
}
