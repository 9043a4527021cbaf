import { expect, test } from 'vitest';
import type { Credential } from '../../src/db/api-keys.js';
import { createApiKeyCache, type ApiKeyCache } from '../../src/http/api-key-cache.js';

const stored = (id: string): Credential => ({
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
  scopes: [],
  endsAt: Infinity,
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

const read = async (cache: ApiKeyCache, hash: string) => cache.get(hash);
/** The key where it is known without a read. */
const knownOf = (cache: ApiKeyCache, hash: string) => {
  const found = cache.get(hash);
  return found instanceof Promise ? null : found;
};

test('keys that are asked for at the same time are read by one statement, each once', async () => {
  const { cache, reads } = setUp();
  await Promise.all(['a', 'a', 'b', 'none'].map((hash) => read(cache, hash)));
  expect(reads).toEqual([['a', 'b', 'none']]);
});

test('a key that was read is known without a further read, until it changes', async () => {
  const { cache, reads, change } = setUp();
  expect(knownOf(cache, 'a')).toBeNull();
  await cache.get('a');
  await cache.get('b');
  for (let n = 0; n < 1_000; n++) expect(knownOf(cache, 'a')?.id).toBe('key of a');
  expect(reads).toHaveLength(2);
  change('key of a');
  expect([knownOf(cache, 'a'), knownOf(cache, 'b')?.id]).toEqual([null, 'key of b']);
  change(null);
  expect(knownOf(cache, 'b')).toBeNull();
});

test('the token of a portal session is not known once the key changes that made the session', async () => {
  const { cache, change } = setUp();
  await cache.get('a');
  change('admin');
  expect(knownOf(cache, 'a')).toBeNull();
});

test('a key that changes while it is read is not known afterwards', async () => {
  const { cache, change } = setUp();
  const reading = cache.get('a');
  change('key of a');
  await reading;
  expect(knownOf(cache, 'a')).toBeNull();
});

test('nothing is known from memory while changes may be missed', async () => {
  const { cache, fall } = setUp();
  await cache.get('a');
  fall();
  expect(knownOf(cache, 'a')).toBeNull();
});

test('above 10,000 keys, the one read first is forgotten, and the others stay', async () => {
  const { cache } = setUp();
  for (let n = 0; n < 10_000; n += 500)
    await Promise.all(Array.from({ length: 500 }, (_, i) => read(cache, `${n + i}`)));
  await cache.get('last');
  const forgotten = Array.from({ length: 10_000 }, (_, n) => `${n}`).filter((hash) => !knownOf(cache, hash));
  expect(forgotten).toEqual(['0']);
});
