import { expect, test } from 'vitest';
import { readImport } from '../../src/http/read-import.js';

test('webhooks are refused that are left when the time of the checks is used up', async () => {
  const webhooks = Object.fromEntries(
    ['a', 'b', 'c'].map((name) => [
      name,
      { post: { requestBody: { content: { 'application/json': { schema: { type: 'object' } } } } } },
    ]),
  );
  const all = await readImport({ webhooks });
  expect(all).toMatchObject({ types: [{ name: 'a' }, { name: 'b' }, { name: 'c' }], refused: [] });
  // Any check takes longer than no time.
  const { types, refused } = await readImport({ webhooks }, 0);
  expect(types.map(({ name }) => name)).toEqual(['a']);
  expect(refused.map(({ name }) => name)).toEqual(['b', 'c']);
  expect(refused[0]!.errors[0]!.message).toMatch(/^Not checked: the schemas before it took/);
});
