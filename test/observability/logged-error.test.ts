import { PassThrough } from 'node:stream';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { loggedError } from '../../src/observability/logged-error.js';

let client: pg.Client;
beforeAll(async () => {
  client = new pg.Client(inject('databaseUrl'));
  await client.connect();
  await client.query(
    'create temp table rows (id int primary key, small int check (small < 10), text text not null)',
  );
  await client.query(`insert into rows values (1, 1, 'canary')`);
});
afterAll(() => client.end());

/** The line of an error, as the service logs it. */
async function lineOf(error: unknown): Promise<string> {
  const stream = new PassThrough();
  pino({ serializers: { err: loggedError } }, stream).error({ err: error }, 'failed');
  return String(stream.read());
}

const failure = (sql: string, values: unknown[]): Promise<unknown> =>
  client.query(sql, values).then(
    () => null,
    (error: unknown) => error,
  );

test.each([
  ['a check', '23514', 'insert into rows values (2, 10, $1)', ['canary']],
  ['a null', '23502', 'insert into rows values ($1, null, null)', [7117117]],
  ['a key', '23505', 'insert into rows values (1, 1, $1)', ['canary']],
  ['a number', '22P02', 'insert into rows values ($1::text::int, 1, 1)', ['canary']],
  ['a time', '22007', 'select $1::text::timestamptz', ['canary']],
  ['JSON', '22P02', 'select $1::text::jsonb', ['{"a":canary}']],
  ['a character in JSON', '22P05', 'select $1::text::jsonb', ['{"a":"canary\\u0000"}']],
])('an error of Postgres about %s names the fault and quotes no value', async (_about, code, sql, values) => {
  const error = await failure(sql, values);
  const line = await lineOf(new Error('What followed failed.', { cause: error }));
  expect(line).toContain('What followed failed.: ');
  expect(line + (await lineOf(error))).not.toMatch(/canary|7117117/);
  expect(await lineOf(error)).toContain(`"code":"${code}"`);
});

test('the URL that could not be read is not logged', async () => {
  const error: unknown = (() => {
    try {
      return new URL('postgres://me:canary@host:port/');
    } catch (fault) {
      return fault;
    }
  })();
  expect((error as { input: string }).input).toContain('canary');
  const line = await lineOf(error);
  expect(line).toContain('"code":"ERR_INVALID_URL"');
  expect(line).not.toContain('canary');
});

test('properties of an error that say where it failed are logged, and any others are not', async () => {
  const error = Object.assign(new AggregateError([new Error('one'), 'two'], 'many'), {
    ...{ code: 'ECONNREFUSED', address: '127.0.0.1', port: 1, config: { password: 'canary' } },
  });
  expect(loggedError(error)).toMatchObject({
    ...{ type: 'AggregateError', message: 'many', code: 'ECONNREFUSED', address: '127.0.0.1', port: 1 },
    errors: [{ message: 'one' }, { message: 'two' }],
  });
  expect(await lineOf(error)).not.toContain('canary');
  expect(loggedError(undefined)).toBeUndefined();
});
