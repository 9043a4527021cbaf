import type { z } from 'zod';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { eventSearch } from '../../src/http/answers/events.js';
import { as, createKey } from '../support/api-keys.js';
import { startTestService, type TestService } from '../support/service.js';

type Search = z.input<typeof eventSearch>;

let t: TestService;
beforeAll(async () => {
  t = await startTestService({ workflows: 'none' });
});
afterAll(() => t.stop());
beforeEach(async () => {
  await t.pool.query('delete from events');
});

const post = async (payload: unknown, { type = 'a.b', tenant = 'a' } = {}) => {
  // As text: a number may have more digits than JavaScript keeps.
  const body = `{"type":"${type}","tenant":"${tenant}","payload":${typeof payload === 'string' ? payload : JSON.stringify(payload)}}`;
  const { status, body: answer } = await t.call<{ id: string }>('POST', '/v1/events', body);
  expect(status).toBe(202);
  return answer.id;
};
async function search(query: Record<string, string>, by = t): Promise<Search> {
  const { status, body } = await by.call<Search>(
    'GET',
    `/v1/events/search?${new URLSearchParams(query).toString()}`,
  );
  expect(status).toBe(200);
  return body;
}
const idsOf = async (query: Record<string, string>, by = t) =>
  (await search(query, by)).data.map(({ id }) => id);

/** Inserts events that are older than all posted ones, with a payload as SQL of their number `n`. */
const seed = (count: number, payload: string, tenant = 'a') =>
  t.pool.query(
    `insert into events (id, tenant, type, payload, idempotency_key, workflow_id, delivery_count, created_at)
     select new_id('evt', at), $2, 'seeded', ${payload}, 'k' || n, 'w' || n, 0, at
     from (select n, now() - interval '1 hour' - n * interval '1 millisecond' as at from generate_series(1, $1::int) n) each`,
    [count, tenant],
  );
const ALL = { from: '2020-01-01T00:00:00Z' };

/** Searches to the end; returns each page. */
async function searchAll(query: Record<string, string>): Promise<Search[]> {
  const pages: Search[] = [];
  for (let cursor: string | null = ''; cursor !== null; cursor = pages.at(-1)!.next_cursor) {
    pages.push(await search(cursor === '' ? query : { ...query, cursor }));
    expect(pages.length).toBeLessThan(200);
  }
  return pages;
}

describe('GET /v1/events/search', () => {
  it('finds a text in payloads, whatever its case, newest first', async () => {
    const first = await post({ note: 'Order 4711 for ACME' });
    await post({ note: 'another' });
    const last = await post({ order: { note: ['acme'] } });
    expect(await idsOf({ text: 'aCmE' })).toEqual([last, first]);
    expect(await idsOf({ text: '4711 FOR' })).toEqual([first]);
    expect(await idsOf({ text: '100%_' })).toEqual([]);
    const { next_cursor, examined, searched_to } = await search({ text: 'no such' });
    expect({ next_cursor, examined }).toEqual({ next_cursor: null, examined: 3 });
    expect(Date.now() - Date.parse(String(searched_to))).toBeLessThan(60_000);
  });

  it('finds every digit of a big number', async () => {
    const id = await post('{"id":123456789012345678901234567890.10}');
    expect(await idsOf({ text: '345678901234567890.10' })).toEqual([id]);
    expect(await idsOf({ text: '345678901234567890.11' })).toEqual([]);
  });

  it('finds characters of any language, also where the sender escaped them', async () => {
    const plain = await post('{"name":"Jürgen Ärmel 😀 О́льга"}');
    const escaped = await post('{"name":"J\\u00fcrgen \\u00C4rmel \\ud83d\\ude00"}');
    expect(await idsOf({ text: 'jÜRGEN ärmel' })).toEqual([escaped, plain]);
    expect(await idsOf({ text: 'mel 😀' })).toEqual([escaped, plain]);
    expect(await idsOf({ text: 'оЛЬГА'.slice(1) })).toEqual([plain]);
    expect(await idsOf({ text: 'jurgen' })).toEqual([]);
  });

  it('takes every sign for itself, also in the ways of JSON', async () => {
    const quoted = await post(
      '{"say":"the \\"cheap\\" one","url":"https:\\/\\/shop.example\\/a","path":"c:\\\\temp","x":"(a|b)* [c]{2} ^$.?+ü"}',
    );
    for (const text of ['the "cheap" one', '"say":"the', 'https://shop', 'c:\\temp', '(a|b)* [c]{2} ^$.?+ü'])
      expect(await idsOf({ text }), text).toEqual([quoted]);
    for (const text of ['the "cheap. one', 'https:..shop', 'a ü', '(a|b)* [c]{2} ^$.?+.ü'])
      expect(await idsOf({ text }), text).toEqual([]);
  });

  it('searches one tenant, one type and a time where it is told to', async () => {
    const one = await post('"needle"', { type: 'one' });
    const other = await post('"needle"', { type: 'other', tenant: 'b' });
    const text = 'needle';
    expect(await idsOf({ text, tenant: 'a' })).toEqual([one]);
    expect(await idsOf({ text, type: 'other' })).toEqual([other]);
    expect(await idsOf({ text, type: 'other', tenant: 'a' })).toEqual([]);
    expect(await idsOf({ text, to: '2020-01-01T00:00:00Z' })).toEqual([]);
    expect(await idsOf({ text, ...ALL })).toEqual([other, one]);
    const bound = as(t, (await createKey(t, 'viewer', 'b')).key);
    expect(await idsOf({ text }, bound)).toEqual([other]);
    expect((await bound.call('GET', `/v1/events/search?text=${text}&tenant=a`)).status).toBe(403);
  });

  it('refuses a text that is too short, too long, or missing', async () => {
    for (const query of ['', '?text=ab', `?text=${'a'.repeat(201)}`, '?text=abc&cursor=x'])
      expect((await t.call('GET', `/v1/events/search${query}`)).status, query).toBe(400);
  });

  it('examines a bounded number of events, and goes on to the last one', async () => {
    await seed(7_500, `'{"n":' || n || ',"tail":"end"}'`);
    const pages = await searchAll({ text: '"n":7499,', tenant: 'a' });
    expect(pages.length).toBeGreaterThan(1);
    for (const { examined } of pages) expect(examined).toBeLessThanOrEqual(5_000);
    expect(pages.reduce((sum, { examined }) => sum + examined, 0)).toBe(7_500);
    expect(pages.flatMap(({ data }) => data)).toHaveLength(1);
    const times = pages.map(({ searched_to }) => Date.parse(String(searched_to)));
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  it('answers each match once where there are more than a page holds', async () => {
    await seed(130, `'{"n":' || n || '}'`);
    const pages = await searchAll({ text: '{"n"', limit: '50' });
    const ids = pages.flatMap(({ data }) => data.map(({ id }) => id));
    expect(new Set(ids).size).toBe(130);
    expect(ids).toEqual([...ids].sort().reverse());
    for (const { data } of pages) expect(data.length).toBeLessThanOrEqual(50);
  });

  it('examines less where payloads are long, and skips none', async () => {
    await seed(60, `'{"n":' || n || ',"text":"' || repeat(md5(n::text), 8100) || '"}'`);
    await seed(20, `'{"small":' || n || '}'`, 'b');
    const pages = await searchAll({ text: 'no such text' });
    expect(pages.length).toBeGreaterThan(1);
    // 15 MiB in all: the bound of 25 ms is looked at after each MiB.
    expect(Math.max(...pages.map(({ examined }) => examined))).toBeLessThan(80);
    expect(pages.reduce((sum, { examined }) => sum + examined, 0)).toBe(80);
  });
});
