import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { importEventTypes, insertEventType, type EventTypeImport } from '../../src/db/event-types.js';
import { eventually } from '../support/eventually.js';
import { openTestDatabase, type TestDatabase } from '../support/open-deliveries.js';
import { lockWaits } from '../support/lock-waits.js';

let database: TestDatabase;
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());
beforeEach(() => database.admin.query('delete from event_types'));

const by = { actor: { name: 'test', requestId: null } };
const type = (name: string): EventTypeImport => ({ name, description: null, example: null, schema: {} });
const load = (names: string[]) =>
  importEventTypes(database.pool, names.map(type), { ...by, reason: null, dryRun: false });
const isWaiting = async () => (await lockWaits(database.admin)) === 1;

test('an import waits for an event type that is being created, and finds it', async () => {
  const client = await database.pool.connect();
  try {
    await client.query('begin');
    await insertEventType(client, { ...type('b'), archived: false }, by);
    const loading = load(['a', 'b']);
    await eventually(isWaiting);
    await client.query('commit');
    expect(await loading).toEqual({ created: ['a'], updated: [], unchanged: ['b'] });
  } finally {
    client.release();
  }
});

test('imports at once, in any order, each find what the others have created', async () => {
  const names = Array.from({ length: 50 }, (_, i) => `type.${i}`);
  const results = await Promise.all([load(names), load(names.toReversed()), load(names)]);
  expect(results.map(({ created }) => created.length).sort((a, b) => a - b)).toEqual([0, 0, 50]);
  expect(results.map(({ unchanged }) => unchanged.length).sort((a, b) => a - b)).toEqual([0, 50, 50]);
});
