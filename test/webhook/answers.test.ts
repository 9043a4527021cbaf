import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rawServer, writeParts, type RawServer } from '../support/raw-server.js';
import { startSender, type Send } from '../support/sending.js';

const OK = 'HTTP/1.1 200 OK\r\n';
const WHOLE = `${OK}content-length: 2\r\n\r\nok`;

let sender: ReturnType<typeof startSender>;
let send: Send;
const servers: RawServer[] = [];

beforeEach(() => {
  sender = startSender();
  send = sender.send;
});
afterEach(async () => {
  await sender.close();
  for (const server of servers.splice(0)) server.close();
});

async function serverThat(...args: Parameters<typeof rawServer>): Promise<RawServer> {
  const server = await rawServer(...args);
  servers.push(server);
  return server;
}

/** Answers every request with `answer`, then closes, keeps or resets the connection. */
function answering(answer: string | Buffer, then: 'close' | 'keep' | 'reset' = 'close'): Promise<RawServer> {
  return serverThat((socket) => {
    socket.write(answer, () => {
      if (then === 'close') socket.end();
      // A reset overtakes bytes the other side has not read: let it read them first.
      if (then === 'reset') setTimeout(() => socket.resetAndDestroy(), 30);
    });
  });
}

describe('a final status decides, even if the body', () => {
  it.each([
    [
      'follows a 204, which cannot have one',
      'HTTP/1.1 204 No Content\r\ncontent-length: 8\r\n\r\n',
      '',
      /204 .* without a body/,
    ],
    ['is shorter than its length', `${OK}content-length: 50\r\n\r\nok`, 'ok', /broke off in its body/],
    [
      'lacks its last chunk',
      `${OK}transfer-encoding: chunked\r\n\r\n5\r\nshort\r\n`,
      'short',
      /broke off in its body/,
    ],
    [
      'has a chunk without a size',
      `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\nxyz\r\n`,
      'ok',
      /not valid HTTP: .*size/,
    ],
    [
      'has a chunk that is too long',
      `${OK}transfer-encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n`,
      'ok',
      /not valid HTTP: .*longer/,
    ],
    ['has two lengths', `${OK}content-length: 2\r\ncontent-length: 3\r\n\r\nok`, '', /Content-Length/],
    ['has a length that is not a number', `${OK}content-length: many\r\n\r\nok`, '', /Content-Length/],
  ])('%s', async (_what, answer, body, error) => {
    const { url } = await answering(answer);
    const result = await send(url);
    expect(result).toMatchObject({ kind: 'response', body, truncated: true });
    expect(result).toMatchObject({ error: expect.stringMatching(error) as string });
    expect([200, 204]).toContain(result.status);
  });

  it.each([200, 404, 410, 503])('is cut off by a reset (%i)', async (status) => {
    const { url } = await answering(
      `HTTP/1.1 ${status} X\r\nretry-after: 7\r\ncontent-length: 99\r\n\r\nthe start`,
      'reset',
    );
    expect(await send(url)).toMatchObject({
      kind: 'response',
      status,
      headers: { 'content-length': '99' },
      body: 'the start',
      truncated: true,
      error: 'The answer broke off in its body: read ECONNRESET (ECONNRESET).',
      retryAfter: '7',
    });
  });

  it('never ends', async () => {
    const { url } = await answering(`${OK}content-length: 2\r\n\r\n`, 'keep');
    expect(await send(url, { timeoutMs: 300 })).toMatchObject({
      kind: 'response',
      status: 200,
      truncated: true,
    });
  });
});

describe('an informational answer is skipped:', () => {
  it.each([
    ['100', 'HTTP/1.1 100 Continue\r\n\r\n'],
    ['102', 'HTTP/1.1 102 Processing\r\n\r\n'],
    [
      'several',
      `HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)}`,
    ],
    ['with bare LF', 'HTTP/1.1 100 Continue\n\n'],
  ])('%s', async (_what, before) => {
    const { url } = await answering(before + WHOLE);
    expect(await send(url)).toMatchObject({ kind: 'response', status: 200, body: 'ok', error: null });
  });

  it('even 100 ms before the final one', async () => {
    const { url } = await serverThat(
      (socket) => void writeParts(socket, ['HTTP/1.1 100 Continue\r\n\r\n', WHOLE], 100),
    );
    expect(await send(url)).toMatchObject({ kind: 'response', status: 200, body: 'ok' });
  });

  it('except 101, which ends HTTP and is refused with its reason', async () => {
    const { url } = await answering('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n', 'keep');
    expect(await send(url)).toMatchObject({
      fault: 'NETWORK_ERROR',
      message: expect.stringContaining('switches protocols (101)') as string,
    });
  });
});

describe('an answer that curl and Go accept is accepted:', () => {
  it.each([
    ['bare LF', 'HTTP/1.1 200 OK\ncontent-length: 2\nx-a: 1\n\nok'],
    ['equal lengths twice', `${OK}content-length: 2\r\nx-a: 1\r\ncontent-length: 2\r\n\r\nok`],
    ['equal lengths in one line', `${OK}content-length: 2, 2\r\nx-a: 1\r\n\r\nok`],
    ['a space before the colon', `${OK}content-length : 2\r\nx-a : 1\r\n\r\nok`],
    ['no reason phrase', 'HTTP/1.1 200\r\ncontent-length: 2\r\nx-a: 1\r\n\r\nok'],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nx-a: 1\r\n\r\nok'],
    ['blank lines before the status line', `\r\n\r\n${OK}content-length: 2\r\nx-a: 1\r\n\r\nok`],
    ['chunks with bare LF', `${OK}transfer-encoding: chunked\nx-a: 1\n\n2\nok\n0\n\n`],
    [
      'chunks with extensions and trailers',
      `${OK}transfer-encoding: Chunked\r\nx-a: 1\r\n\r\n2 ;a=b\r\nok\r\n0\r\nx-b: 2\r\n\r\n`,
    ],
    [
      'chunks and a length',
      `${OK}transfer-encoding: chunked\r\ncontent-length: 9\r\nx-a: 1\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
    ],
    ['a name with odd characters', `${OK}content-length: 2\r\nx-a: 1\r\nx(y) z: 3\r\n\r\nok`],
  ])('%s', async (_what, answer) => {
    const { url } = await answering(answer);
    expect(await send(url)).toMatchObject({
      kind: 'response',
      status: 200,
      headers: { 'x-a': '1' },
      body: 'ok',
      truncated: false,
      error: null,
    });
  });

  it('folded headers, joined by a space', async () => {
    const { url } = await answering(`${OK}x-a: one\r\n  two\r\n\tthree\r\ncontent-length: 2\r\n\r\nok`);
    expect((await send(url)).headers).toMatchObject({ 'x-a': 'one two three' });
  });

  it.each([20_000, 128 * 1024])('%i bytes of headers', async (size) => {
    const { url } = await answering(`${OK}set-cookie: ${'c'.repeat(size)}\r\ncontent-length: 2\r\n\r\nok`);
    expect(await send(url)).toMatchObject({ kind: 'response', status: 200, body: 'ok', error: null });
  });

  it('headers over 128 KiB, of which the rest is dropped', async () => {
    const { url } = await answering(
      `${OK}x-a: 1\r\nset-cookie: ${'c'.repeat(200_000)}\r\ncontent-length: 2\r\n\r\nok`,
    );
    expect(await send(url)).toMatchObject({
      kind: 'response',
      status: 200,
      headers: { 'x-a': '1' },
      body: '',
      truncated: true,
      error: 'The answer was not read to its end: its headers are longer than 128 KiB.',
    });
  });
});

it('the character set of an answer is honoured', async () => {
  const { url } = await answering(
    Buffer.from(
      `${OK}content-type: text/plain; charset=iso-8859-1\r\ncontent-length: 5\r\n\r\nGr\xfc\xdfe`,
      'latin1',
    ),
  );
  expect(await send(url)).toMatchObject({ status: 200, body: 'Grüße', truncated: false });
});

describe('an answer that is not valid HTTP is refused with its reason:', () => {
  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n', /does not begin with HTTP/],
    ['no status code', 'HTTP/1.1 abc\r\n\r\n', /no status line/],
    ['a line without a colon', `${OK}nonsense\r\n\r\n`, /no colon/],
    ['a name with NUL', `${OK}bad\0: x\r\n\r\n`, /no valid name/],
    ['frames of HTTP/2', Buffer.from('00001204000000000000030000006400040000ffff', 'hex'), /HTTP\/2/],
    ['truncated headers', `${OK}content-len`, /in the headers of the answer: the receiver closed it/],
    ['no bytes', '', /before an answer came: the receiver closed it/],
  ])('%s', async (_what, answer, message) => {
    const { url } = await answering(answer);
    expect(await send(url)).toMatchObject({
      kind: 'fault',
      fault: 'NETWORK_ERROR',
      status: null,
      message: expect.stringMatching(message) as string,
    });
  });
});

describe('reading an answer is bounded:', () => {
  /** Writes `unit` for as long as the client reads; `written` returns the bytes taken. */
  async function flood(start: string, unit: string) {
    let written = 0;
    const block = Buffer.from(unit.repeat(Math.ceil(65_536 / unit.length)));
    const server = await serverThat((socket) => {
      socket.write(start);
      const pump = (): void => {
        while (!socket.destroyed && socket.write(block)) written += block.length;
      };
      socket.on('drain', pump);
      pump();
    });
    return { server, written: () => written };
  }

  it.each([
    [
      'informational answers',
      '',
      'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n',
      /128 KiB of informational answers/,
    ],
    ['blank lines', '', '\r\n', /128 KiB/],
    ['one endless line', 'HTTP/1.1 ', 'x', /128 KiB/],
  ])('a flood of %s ends the connection', async (_what, start, unit, message) => {
    const { server, written } = await flood(start, unit);
    const result = await send(server.url);
    expect(result).toMatchObject({
      fault: 'NETWORK_ERROR',
      message: expect.stringMatching(message) as string,
    });
    await expect.poll(() => server.open()).toBe(0);
    // The buffers of the kernel and of Node hold more than was read.
    expect(written()).toBeLessThan(16_000_000);
  });

  it.each([
    ['headers', OK, 'x-a: 1\r\n', 'longer than 128 KiB'],
    ['chunk extensions', `${OK}transfer-encoding: chunked\r\n\r\n1;`, 'e', null],
    ['one-byte chunks', `${OK}transfer-encoding: chunked\r\n\r\n`, '1\r\nx\r\n', null],
    ['trailers', `${OK}transfer-encoding: chunked\r\n\r\n0\r\n`, 'x-a: 1\r\n', null],
    ['content', `${OK}\r\n`, 'x', null],
  ])('a flood of %s after a 200 ends the connection', async (_what, start, unit, error) => {
    const { server, written } = await flood(start, unit);
    expect(await send(server.url)).toMatchObject({
      kind: 'response',
      status: 200,
      truncated: true,
      error: error === null ? null : (expect.stringContaining(error) as string),
    });
    await expect.poll(() => server.open()).toBe(0);
    expect(written()).toBeLessThan(16_000_000);
  });
});
