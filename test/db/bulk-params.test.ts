import { afterAll, beforeAll, expect, test } from 'vitest';
import { bulkParam, bulkValue } from '../../src/db/bulk-params.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

const roundTrip = async (values: (string | null)[]) =>
  (await t.pool.query<{ values: (string | null)[] }>(`select ${bulkParam(1)} as values`, [bulkValue(values)]))
    .rows[0]!.values;

test('a bulk parameter keeps its values, whatever characters they hold', async () => {
  const values = ['a', null, '"', '\\', '{x,y}', 'NULL', '\n\r\t ', '😀', "'"];
  expect(await roundTrip(values)).toEqual(values);
});

test('a value that contains the separator is refused, not split', () => {
  expect(() => bulkValue(['a', 'b\x1ec'])).toThrow('separates');
});
