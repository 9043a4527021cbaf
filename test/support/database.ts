import pg from 'pg';
import { inject } from 'vitest';

/** Creates a database on the Postgres of the run, empty unless a template is given, and returns its URL. */
export async function createDatabase(name: string, template = 'template1'): Promise<string> {
  const admin = new pg.Client(inject('databaseUrl'));
  await admin.connect();
  await admin.query(`create database ${name} template ${template}`);
  await admin.end();
  const url = new URL(inject('databaseUrl'));
  url.pathname = `/${name}`;
  return url.toString();
}
