import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rawServer, type RawServer } from '../support/raw-server.js';
import { startSender, type Send } from '../support/sending.js';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

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

async function serverThat(onRequest: Parameters<typeof rawServer>[0]): Promise<RawServer> {
  const server = await rawServer(onRequest);
  servers.push(server);
  return server;
}

describe('a reused connection that dies before any byte of an answer', () => {
  it.each(['closed', 'reset'] as const)('is %s: the request goes again, on a new one', async (how) => {
    const seen: string[] = [];
    const server = await serverThat((socket, { connection, request }) => {
      seen.push(`${connection}.${request}`);
      if (request === 1) socket.write(OK);
      else if (how === 'closed') socket.end();
      else socket.resetAndDestroy();
    });
    await send(server.url);
    const again = await send(server.url);
    expect(again).toMatchObject({ kind: 'response', status: 200, body: 'ok', remoteAddress: '127.0.0.1' });
    expect(again.timings.connect).not.toBeNull();
    expect(seen).toEqual(['1.1', '1.2', '2.1']);
  });

  it('takes the idle ones of its endpoint with it', async () => {
    const held: (() => void)[] = [];
    let stale = false;
    const server = await serverThat((socket) => {
      if (stale) socket.end();
      else held.push(() => socket.write(OK));
      stale = false;
    });
    const first = Array.from({ length: 5 }, () => send(server.url));
    await expect.poll(() => held.length).toBe(5);
    for (const answer of held) answer();
    await Promise.all(first);
    expect(server.open()).toBe(5);
    stale = true;
    const again = send(server.url);
    await expect.poll(() => held.length).toBe(6);
    held[5]!();
    expect(await again).toMatchObject({ status: 200 });
    expect(server.accepted()).toBe(6);
    await expect.poll(() => server.open()).toBe(1);
  });

  it('goes again once, and within its deadline', async () => {
    let requests = 0;
    const server = await serverThat((socket) => {
      requests += 1;
      if (requests === 1) socket.write(OK);
      else if (requests === 2) setTimeout(() => socket.end(), 200);
    });
    await send(server.url);
    const late = await send(server.url, { timeoutMs: 500 });
    expect(late).toMatchObject({ fault: 'TIMEOUT', status: null });
    expect(late.latencyMs).toBeGreaterThanOrEqual(495);
    expect(late.latencyMs).toBeLessThan(5_000);
    expect(requests).toBe(3);
  });

  it('is not made good a second time: the next death is the fault of the attempt', async () => {
    let requests = 0;
    const server = await serverThat((socket) => {
      requests += 1;
      if (requests === 1) socket.write(OK);
      else socket.end();
    });
    await send(server.url);
    expect(await send(server.url)).toMatchObject({
      fault: 'NETWORK_ERROR',
      message: 'The connection ended before an answer came: the receiver closed it.',
    });
    expect(requests).toBe(3);
  });
});

it('a request that goes again is not called back: bytes of it may have been read', async () => {
  const answers: (() => void)[] = [];
  const server = await serverThat((socket, { connection, request }) => {
    if (request === 1 && connection === 1) socket.write(OK);
    else if (connection === 1) socket.end();
    else answers.push(() => socket.write(OK));
  });
  await send(server.url);
  let over = false;
  const again = send(server.url)
    .catch((error: unknown) => error)
    .finally(() => (over = true));
  // In every phase of the second connection.
  while (answers.length === 0 && !over) {
    sender.withdraw(() => true);
    await new Promise((done) => setImmediate(done));
  }
  answers[0]?.();
  expect(await again).toMatchObject({ status: 200 });
});

describe('a request is not sent again', () => {
  it('where its connection was new', async () => {
    let requests = 0;
    const server = await serverThat((socket) => {
      requests += 1;
      socket.end();
    });
    expect(await send(server.url)).toMatchObject({ fault: 'NETWORK_ERROR' });
    expect(requests).toBe(1);
  });

  it('where a byte of its answer was seen', async () => {
    let requests = 0;
    const server = await serverThat((socket) => {
      requests += 1;
      if (requests === 1) socket.write(OK);
      else socket.end('H');
    });
    await send(server.url);
    expect(await send(server.url)).toMatchObject({
      fault: 'NETWORK_ERROR',
      message: 'The connection ended in the headers of the answer: the receiver closed it.',
    });
    expect(requests).toBe(2);
  });
});

describe('a connection is not used again', () => {
  it.each([
    ['after bytes that nobody asked for', `${OK}HTTP/1.1 200 OK\r\n`],
    ['after an answer without a certain end', OK.replaceAll('\r\n', '\n')],
    ['where the receiver will close it', OK.replace('\r\n', '\r\nConnection: close\r\n')],
    ['where the receiver keeps it for a second only', OK.replace('\r\n', '\r\nKeep-Alive: timeout=1\r\n')],
  ])('%s', async (_what, answer) => {
    const server = await serverThat((socket) => socket.write(answer));
    for (let n = 1; n <= 2; n++) {
      expect(await send(server.url)).toMatchObject({ status: 200, body: 'ok' });
      expect(server.accepted()).toBe(n);
    }
  });

  it('after bytes that come while it is idle', async () => {
    const server = await serverThat((socket) => {
      socket.write(OK);
      setTimeout(() => socket.write(OK.replace('200', '500')), 50);
    });
    await send(server.url);
    await expect.poll(() => server.open()).toBe(0);
    expect(await send(server.url)).toMatchObject({ status: 200 });
  });
});
