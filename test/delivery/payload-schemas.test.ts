import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createPayloadSchemas } from '../../src/delivery/payload-schemas.js';
import type { JsonSchema } from '../../src/domain/json-schema.js';
import { randomText } from '../support/random-text.js';

/** A cache whose reads and notifications the test controls. */
function setup(stored: Record<string, JsonSchema>) {
  const reads: string[] = [];
  const logged: string[] = [];
  let current = true;
  let changed!: (name: string | null) => void;
  let beforeAnswer = () => {};
  const schemas = createPayloadSchemas(
    {
      async names() {
        reads.push('names');
        return Object.keys(stored);
      },
      async schema(name) {
        reads.push(name);
        const schema = stored[name] ?? null;
        await Promise.resolve();
        beforeAnswer();
        return schema;
      },
    },
    { onEventType: (listener) => void (changed = listener), current: () => current },
    pino({}, { write: (line: string) => void logged.push(line) }),
  );
  const accepts = async (type: string, payload: unknown) =>
    (await schemas.check(type, payload))?.length === 0;
  return {
    ...{ schemas, reads, accepts, stored, logged },
    notify: (name: string | null) => changed(name),
    setCurrent: (is: boolean) => void (current = is),
    setBeforeAnswer: (act: () => void) => void (beforeAnswer = act),
  };
}

test('thousands of events without a schema cost one read, and those with one another', async () => {
  const { accepts, reads } = setup({ a: { type: 'number' } });
  const all = Array.from({ length: 5_000 }, (_, i) => accepts(`b${i}`, 'x'));
  expect(new Set(await Promise.all(all))).toEqual(new Set([true]));
  expect(reads).toEqual(['names']);
  expect(await Promise.all([accepts('a', 'x'), accepts('a', 5), accepts('a', 6)])).toEqual([
    false,
    true,
    true,
  ]);
  expect(reads).toEqual(['names', 'a']);
});

test('a changed event type is read again, also one that is new, is gone, or changes during the read', async () => {
  const { accepts, notify, stored, setBeforeAnswer } = setup({ a: { type: 'number' } });
  expect(await accepts('a', 'x')).toBe(false);
  stored.a = { type: 'string' };
  notify('a');
  expect(await accepts('a', 'x')).toBe(true);
  stored.b = { type: 'string' };
  notify('b');
  expect(await accepts('b', 5)).toBe(false);
  delete stored.b;
  notify(null);
  expect(await accepts('b', 5)).toBe(true);

  notify('a');
  setBeforeAnswer(() => {
    setBeforeAnswer(() => {});
    stored.a = { type: 'boolean' };
    notify('a');
  });
  await accepts('a', true);
  expect(await accepts('a', true)).toBe(true);
});

test('while notifications may be missing, schemas are read again with each event, which does not wait for it', async () => {
  const { accepts, stored, setCurrent, reads, setBeforeAnswer } = setup({ a: { type: 'number' } });
  expect(await accepts('a', 'x')).toBe(false);
  setCurrent(false);
  stored.a = { type: 'string' };
  expect(await accepts('a', 'x')).toBe(false);
  await nextTurn();
  expect(await accepts('a', 'x')).toBe(true);
  await nextTurn();
  const before = reads.length;
  setBeforeAnswer(() => {
    throw new Error('The database is away.');
  });
  for (let i = 0; i < 3; i++) {
    expect(await accepts('a', 'x')).toBe(true);
    await nextTurn();
  }
  expect(reads.length).toBe(before + 6);
  setBeforeAnswer(() => {});
  delete stored.a;
  await accepts('a', 'x');
  await nextTurn();
  expect(await accepts('a', 5)).toBe(true);
});

test('a schema that is read again is compiled again only if it has changed', async () => {
  // Faults of a schema are logged each time that it is compiled.
  const { accepts, reads, stored, logged, notify, setCurrent } = setup({ a: { pattern: '(?=a)' } });
  setCurrent(false);
  for (let i = 0; i < 5; i++) await accepts('a', 5);
  notify(null);
  await accepts('a', 5);
  expect(reads.filter((name) => name === 'a')).toHaveLength(6);
  expect(logged).toHaveLength(1);
  stored.a = { pattern: '(?=b)' };
  await accepts('a', 5);
  expect(logged).toHaveLength(2);
});

test('the payloads of a request are checked until their work is used up, and only of those with a schema', async () => {
  const { schemas } = setup({ a: { not: { pattern: 'a[ab]{90}[cd]' } }, b: { type: 'string' } });
  const request = { left: 10_000_000 };
  const text = randomText(20_000);
  const checked = await Promise.all([
    ...Array.from({ length: 10 }, () => schemas.check('a', text, request)),
    schemas.check('c', text, request),
    schemas.check('b', text, request),
  ]);
  // Each takes 20,000 times 95 steps; that in which the work runs out is checked to its end.
  const faults = checked.map((one) => one?.length ?? 'not checked');
  expect(faults.slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(new Set(faults.slice(6, 10))).toEqual(new Set(['not checked']));
  expect(faults.slice(10)).toEqual([0, 'not checked']);
  expect(await schemas.check('a', text, { left: 1 })).toEqual([]);
  expect(await schemas.check('a', text)).toEqual([]);
});

test('long checks leave turns of the event loop to others', async () => {
  const { accepts } = setup({ a: { contains: { multipleOf: 0.7 }, minContains: 60_000 } });
  const payload = Array.from({ length: 20_000 }, (_, i) => i + 0.5);
  let turns = 0;
  let done = false;
  const count = (async () => {
    for (; !done; turns++) await nextTurn();
  })();
  await Promise.all(Array.from({ length: 30 }, () => accepts('a', payload)));
  done = true;
  await count;
  // The checks take a second together.
  expect(turns).toBeGreaterThanOrEqual(2);
});

test('a stored schema that cannot be compiled any more refuses no event', async () => {
  const { accepts } = setup({ a: { pattern: '(?=a)' } });
  expect(await accepts('a', 5)).toBe(true);
});

test('a failed read is not remembered', async () => {
  const { accepts, setBeforeAnswer } = setup({ a: { type: 'number' } });
  setBeforeAnswer(() => {
    throw new Error('away');
  });
  await expect(accepts('a', 5)).rejects.toThrow('away');
  setBeforeAnswer(() => {});
  expect(await accepts('a', 5)).toBe(true);
});
