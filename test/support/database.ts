import pg from 'pg';
import { inject } from 'vitest';

/** Creates an empty database on the Postgres of the run, and returns its URL. */
export async function createDatabase(name: string): Promise<string> {
  const admin = new pg.Client(inject('databaseUrl'));
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = new URL(inject('databaseUrl'));
  url.pathname = `/${name}`;
  return url.toString();
}
