import { once } from 'node:events';
import http from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Headers } from '../../src/webhook/answer-head.js';
import { answerReader, type AnswerEnd } from '../../src/webhook/answer-reader.js';
import { rawServer, type RawServer } from '../support/raw-server.js';

interface Read {
  status: number | null;
  headers: Headers;
  body: string;
  end: AnswerEnd | null;
  bad: string | null;
}

/** Feeds an answer in these parts, then the end of its connection, to a reader. */
function read(parts: Buffer[]): Read {
  const got: Read = { status: null, headers: {}, body: '', end: null, bad: null };
  let ends = 0;
  const reader = answerReader({
    head: (status, headers) => Object.assign(got, { status, headers: { ...headers } }),
    data: (content) => (got.body += content.toString('latin1')),
    over: (end) => {
      ends += 1;
      got.end = end;
    },
    bad: (error) => {
      ends += 1;
      got.bad = error.message;
    },
  });
  for (const part of parts) reader.read(part);
  reader.ended(null);
  expect(ends).toBe(1);
  return got;
}

/** The result of a broken answer without its body and reusability, which depend on how it is split. */
function certain({ status, headers, end, bad }: Read) {
  return { status, headers, bad, cut: end?.cut, error: end?.error };
}

/** Splits bytes at the offsets in `cuts`. */
function cut(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [...new Set(cuts.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((start, n) => bytes.subarray(start, places[n] ?? bytes.length));
}

const cuts = fc.array(fc.nat(), { maxLength: 30 });
const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/).map((name) => `x-${name}`);
const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
const headers = fc.uniqueArray(fc.tuple(token, value), { maxLength: 6, selector: ([name]) => name });
const content = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const lineEnd = fc.constantFrom('\r\n', '\n');

/** A well-formed answer with its parts; `strict`: with CRLF (RFC 9112), and a length or chunks. */
const answer = fc
  .record({
    status: fc.integer({ min: 200, max: 599 }).filter((status) => status !== 204 && status !== 304),
    interim: fc.array(fc.constantFrom(100, 102, 103), { maxLength: 3 }),
    headers,
    chunks: fc.array(content, { maxLength: 5 }),
    framing: fc.constantFrom('length', 'chunked', 'close'),
    eol: lineEnd,
  })
  .map(({ status, interim, headers, chunks, framing, eol }) => {
    const body = chunks.join('');
    const lines = headers.map(([name, value]) => `${name}: ${value}${eol}`).join('');
    const before = interim.map((code) => `HTTP/1.1 ${code} Wait${eol}${lines}${eol}`).join('');
    const framed = {
      length: [`content-length: ${body.length}${eol}`, body],
      chunked: [
        `transfer-encoding: chunked${eol}`,
        [...chunks.filter(Boolean), '']
          .map((chunk) => `${chunk.length.toString(16)}${eol}${chunk}${eol}`)
          .join(''),
      ],
      close: ['', body],
    }[framing];
    const text = `${before}HTTP/1.1 ${status} Fine${eol}${lines}${framed[0]}${eol}${framed[1]}`;
    return {
      bytes: Buffer.from(text, 'latin1'),
      status,
      headers,
      body,
      eol,
      strict: eol === '\r\n' && framing !== 'close',
    };
  });

describe('reading an answer', () => {
  it('gives the same result wherever the bytes are split', () => {
    fc.assert(
      fc.property(answer, cuts, ({ bytes, status, headers, body, strict }, places) => {
        const whole = read([bytes]);
        expect(read(cut(bytes, places))).toEqual(whole);
        expect(read([...bytes].map((byte) => Buffer.from([byte])))).toEqual(whole);
        expect(whole).toMatchObject({ status, headers: Object.fromEntries(headers), body, bad: null });
        expect(whole.end).toEqual({ cut: false, error: null, reusable: strict });
      }),
    );
  });

  it('reports exactly one end and never throws, whatever the bytes', () => {
    const start = fc.constantFrom(
      '',
      'HTTP/1.1 ',
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n',
      'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n',
      'HTTP/1.1 103 X\r\n\r\n',
    );
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc
        .array(
          fc.constantFrom('\r', '\n', '\r\n', ':', ' ', ';', '0', '5', 'f', 'x', 'HTTP/1.1 200 OK\r\n'),
          { maxLength: 40 },
        )
        .map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(start, noise, cuts, (begin, rest, places) => {
        const bytes = Buffer.concat([Buffer.from(begin), rest]);
        const whole = read([bytes]);
        const parted = read(cut(bytes, places));
        expect(certain(parted)).toEqual(certain(whole));
      }),
      { numRuns: 500 },
    );
  });

  it('marks the connection as not reusable after unsolicited bytes or Connection: close', () => {
    const whole = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
    expect(read([Buffer.from(whole)]).end).toMatchObject({ reusable: true });
    expect(read([Buffer.from(`${whole}HTTP/1.1 200 OK\r\n`)]).end).toMatchObject({
      cut: false,
      reusable: false,
    });
    const closing = whole.replace('\r\n', '\r\nConnection: Keep-Alive, Close\r\n');
    expect(read([Buffer.from(closing)]).end).toMatchObject({ cut: false, reusable: false });
  });
});

describe("Node's own HTTP client", () => {
  let server: RawServer;
  let next: Buffer;
  let agent: http.Agent;

  beforeAll(async () => {
    server = await rawServer((socket) => socket.end(next));
    agent = new http.Agent({ keepAlive: false });
  });
  afterAll(() => {
    server.close();
    agent.destroy();
  });

  async function byNode(bytes: Buffer) {
    next = bytes;
    const request = http.request(server.url, { method: 'POST', agent, insecureHTTPParser: true });
    request.end('{}');
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return {
      status: response.statusCode,
      headers: response.headers,
      body: Buffer.concat(chunks).toString('latin1'),
    };
  }

  it('parses the same answers to the same result', async () => {
    await fc.assert(
      // Node rejects chunks whose lines end in a bare LF.
      fc.asyncProperty(
        answer.filter(({ eol }) => eol === '\r\n'),
        async ({ bytes }) => {
          const { status, headers, body } = read([bytes]);
          expect({ status, headers, body }).toEqual(await byNode(bytes));
        },
      ),
    );
  });
});
