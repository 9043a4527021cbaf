import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

const event = { type: 'a.b', payload: 1 };

/** Posts with the raw bytes of these headers, and returns status and body. */
async function post(body: object, ...keys: (string | Buffer)[]) {
  const socket = connect(Number(new URL(t.service.url!).port), '127.0.0.1');
  await once(socket, 'connect');
  const bytes = JSON.stringify(body);
  socket.write(
    `POST /v1/events HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${ADMIN_KEY}\r\n`,
  );
  for (const key of keys)
    socket.write(Buffer.concat([Buffer.from('idempotency-key: '), Buffer.from(key), Buffer.from('\r\n')]));
  socket.write(`content-length: ${Buffer.byteLength(bytes)}\r\n\r\n${bytes}`);
  const [head, answer] = (await text(socket)).split('\r\n\r\n');
  return { status: Number(head!.split(' ')[1]), body: JSON.parse(answer!) as Record<string, unknown> };
}

test.each([
  ['UTF-8', 'ключ-ü-1', 'ключ-ü-1'],
  ['emoji', '🎉 party 👍🏽 ❤️', '🎉 party 👍🏽 ❤️'],
  ['quotation marks', '"abc"', 'abc'],
  ['quotation marks around UTF-8', '"ключ"', 'ключ'],
  ['escapes between quotation marks', '"a\\"b\\\\c"', 'a"b\\c'],
  ['spaces between quotation marks', '" a "', ' a '],
  ['a comma', 'a, b', 'a, b'],
  ['a quotation mark inside', 'a"b"', 'a"b"'],
])('a header with %s is the same key as in the body', async (_name, header, key) => {
  const first = await post(event, header);
  expect(first).toMatchObject({ status: 202, body: { idempotency_key: key } });
  const { id } = first.body;
  expect(await post({ ...event, idempotency_key: key })).toMatchObject({ status: 200, body: { id } });
  expect(await post({ ...event, idempotency_key: key }, header)).toMatchObject({ status: 200, body: { id } });
  const { data } = (
    await t.call<{ data: unknown[] }>('GET', `/v1/events?idempotency_key=${encodeURIComponent(key)}`)
  ).body;
  expect(data).toMatchObject([{ id }]);
});

test.each<[string, (string | Buffer)[]]>([
  ['bytes that are not UTF-8', [Buffer.from([0x61, 0xfc])]],
  ['nothing between quotation marks', ['""']],
  ['no closing quotation mark', ['"abc']],
  ['a quotation mark too many', ['"a"b"']],
  ['an invalid escape', ['"a\\n"']],
  ['two keys', ['a', 'b']],
  ['the same key twice', ['a', 'a']],
  ['256 emoji', ['🎉'.repeat(256)]],
  ['a joined emoji, which holds a format character', ['👨‍👩‍👧']],
  ['white space other than a space', ['a\u00a0b']],
])('a header with %s is refused, and the error names it', async (_name, keys) => {
  expect(await post(event, ...keys)).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'Idempotency-Key' }] },
  });
});

test('the length of a key is counted in characters, not bytes, and a refused character is named', async () => {
  const longest = '🎉'.repeat(255);
  expect(await post({ ...event, idempotency_key: longest })).toMatchObject({ status: 202 });
  expect(await post(event, longest)).toMatchObject({ status: 200, body: { idempotency_key: longest } });
  expect(await post({ ...event, idempotency_key: `${longest}x` })).toMatchObject({ status: 400 });
  expect(await post({ ...event, idempotency_key: '👨‍👩‍👧' })).toMatchObject({
    body: { errors: [{ path: 'idempotency_key', message: expect.stringContaining('U+200D') as string }] },
  });
});
