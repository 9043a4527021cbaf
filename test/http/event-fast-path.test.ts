import { once } from 'node:events';
import { request, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

async function post(path: string, body: string | Buffer, headers: OutgoingHttpHeaders = {}) {
  const sent = request(t.service.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, ...headers },
  });
  // write() before end(): without a content length, Node sends chunks.
  sent.write(body);
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

/** The fast path sends none of the headers that only pages need. */
const OF_PAGES =
  /^(content-security-|cross-origin-|origin-agent-|referrer-|x-(dns|download|frame|permitted|xss)-)/;

/** The response without the parts that differ between events. */
function shape({ status, headers, body }: Awaited<ReturnType<typeof post>>) {
  const { date, 'x-request-id': id, ...others } = headers;
  const same = Object.fromEntries(Object.entries(others).filter(([name]) => !OF_PAGES.test(name)));
  expect([date, id]).toEqual([expect.any(String), expect.stringMatching(/^req_/)]);
  return { status, same, keys: Object.keys(JSON.parse(body) as object) };
}

test('an event posted in chunks, compressed or with a query is answered like a plain one', async () => {
  const body = JSON.stringify({ type: 'post.event', payload: { n: 1 } });
  const zipped = gzipSync(body);
  const answers = [
    await post('/v1/events', body, { 'content-length': body.length }),
    await post('/v1/events', body),
    await post('/v1/events', zipped, { 'content-encoding': 'gzip', 'content-length': zipped.length }),
    await post('/v1/events?from=here', body, { 'content-length': body.length }),
  ];
  const [first, ...others] = answers.map(shape);
  expect(first!.status).toBe(202);
  expect(first!.same['content-type']).toBe('application/json; charset=utf-8');
  for (const other of others) expect(other).toEqual(first);
});

test('an invalid event is answered alike with and without a content length', async () => {
  const body = '{"type":"post.event"}';
  const [first, chunked] = [
    await post('/v1/events', body, { 'content-length': body.length }),
    await post('/v1/events', body),
  ];
  expect(first.status).toBe(400);
  expect(first.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(shape(chunked)).toEqual(shape(first));
  expect(chunked.body).toBe(first.body);
});

test('an unknown API key is refused with and without a content length', async () => {
  const body = '{}';
  const unknown = { authorization: 'Bearer nobody' };
  for (const headers of [{ ...unknown, 'content-length': body.length }, unknown])
    expect((await post('/v1/events', body, headers)).status).toBe(401);
});
