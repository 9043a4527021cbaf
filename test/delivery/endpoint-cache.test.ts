import { expect, test } from 'vitest';
import { createEndpointCache } from '../../src/delivery/endpoint-cache.js';
import { endpointTarget } from '../support/endpoint-target.js';

const targetOf = (id: string, url = 'http://127.0.0.1:1/') => endpointTarget({ id, url });

/** A cache whose reads and notifications the test controls. */
function setup() {
  const reads: string[][] = [];
  let current = true;
  let changed!: (id: string | null) => void;
  let url = 'http://127.0.0.1:1/';
  let beforeAnswer = () => Promise.resolve();
  const cache = createEndpointCache(
    async (ids) => {
      reads.push(ids);
      const answer = ids.map((id) => (id === 'ep_none' ? null : targetOf(id, url)));
      await beforeAnswer();
      return answer;
    },
    { onEndpoint: (listener) => void (changed = listener), current: () => current },
  );
  return {
    ...{ cache, reads },
    changed: (id: string | null) => changed(id),
    setCurrent: (is: boolean) => void (current = is),
    setUrl: (next: string) => void (url = next),
    setBeforeAnswer: (wait: () => Promise<void>) => void (beforeAnswer = wait),
  };
}

test('thousands of look-ups at once are few reads, and each endpoint is read once', async () => {
  const { cache, reads } = setup();
  const ids = Array.from({ length: 5_000 }, (_, n) => `ep_${n % 2_500}`);
  const found = await Promise.all(ids.map((id) => cache.get(id)));
  expect(found.map((target) => target!.endpoint.id)).toEqual(ids);
  expect(reads.length).toBeLessThanOrEqual(10);
  expect(reads.flat().sort()).toEqual([...new Set(ids)].sort());
  await Promise.all(ids.map((id) => cache.get(id)));
  expect(reads.flat()).toHaveLength(2_500);
});

test('a changed endpoint is read again, also when it changed during the read', async () => {
  const { cache, reads, changed, setUrl, setBeforeAnswer } = setup();
  const urlOf = async () => (await cache.get('ep_1'))!.endpoint.url;
  await urlOf();
  setUrl('http://127.0.0.1:2/');
  changed('ep_1');
  expect(await urlOf()).toBe('http://127.0.0.1:2/');
  expect(reads).toHaveLength(2);

  changed('ep_1');
  setBeforeAnswer(() => {
    // After the row was read, before the read is answered.
    setUrl('http://127.0.0.1:3/');
    changed('ep_1');
    return Promise.resolve();
  });
  await urlOf();
  expect(await urlOf()).toBe('http://127.0.0.1:3/');
});

test('while notifications may be missing, nothing is answered from memory', async () => {
  const { cache, reads, setCurrent } = setup();
  await cache.get('ep_1');
  setCurrent(false);
  await cache.get('ep_1');
  await cache.get('ep_1');
  expect(reads).toHaveLength(3);
});

test('an endpoint that does not exist is null, and is not remembered', async () => {
  const { cache, reads } = setup();
  expect(await cache.get('ep_none')).toBeNull();
  expect(await cache.get('ep_none')).toBeNull();
  expect(reads).toHaveLength(2);
});
