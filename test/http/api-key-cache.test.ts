import { expect, test } from 'vitest';
import type { StoredApiKey } from '../../src/db/api-keys.js';
import { createApiKeyCache } from '../../src/http/api-key-cache.js';

const stored = (id: string): StoredApiKey => ({
  id,
  name: id,
  role: 'viewer',
  tenant: null,
  rate_per_second: null,
  created_by: 'admin',
  created_at: new Date(),
  expires_at: null,
  last_used_at: null,
  revoked_at: null,
});

function setUp() {
  const reads: string[][] = [];
  let current = true;
  let changed: (id: string | null) => void = () => {};
  const cache = createApiKeyCache(
    async (hashes) => {
      reads.push(hashes);
      return hashes.map((hash) => (hash.startsWith('none') ? null : stored(`key of ${hash}`)));
    },
    { onApiKey: (listener) => void (changed = listener), current: () => current },
  );
  return { cache, reads, change: (id: string | null) => changed(id), fall: () => (current = false) };
}

test('keys that are asked for at the same time are read by one statement, each once', async () => {
  const { cache, reads } = setUp();
  await Promise.all(['a', 'a', 'b', 'none'].map((hash) => cache.find(hash)));
  expect(reads).toEqual([['a', 'b', 'none']]);
});

test('a key that was read is known without a further read, until it changes', async () => {
  const { cache, reads, change } = setUp();
  expect(cache.known('a')).toBeNull();
  await cache.find('a');
  await cache.find('b');
  for (let n = 0; n < 1_000; n++) expect(cache.known('a')?.id).toBe('key of a');
  expect(reads).toHaveLength(2);
  change('key of a');
  expect([cache.known('a'), cache.known('b')?.id]).toEqual([null, 'key of b']);
  change(null);
  expect(cache.known('b')).toBeNull();
});

test('a key that changes while it is read is not known afterwards', async () => {
  const { cache, change } = setUp();
  const reading = cache.find('a');
  change('key of a');
  await reading;
  expect(cache.known('a')).toBeNull();
});

test('nothing is known from memory while changes may be missed', async () => {
  const { cache, fall } = setUp();
  await cache.find('a');
  fall();
  expect(cache.known('a')).toBeNull();
});
