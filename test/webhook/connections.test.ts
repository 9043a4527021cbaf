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

describe('a reused connection that ends before any response byte', () => {
  it.each(['closed', 'reset'] as const)('(%s) causes a resend on a new connection', async (how) => {
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

  it('closes the idle connections of the same endpoint', async () => {
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

  it('does not extend the deadline of the resent request', async () => {
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

  it('causes only one resend: the next such end fails the attempt', async () => {
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

it('a resent request cannot be withdrawn, because the receiver may have read part of it', async () => {
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
  // Withdraw in every phase of the second connection.
  while (answers.length === 0 && !over) {
    sender.withdraw(() => true);
    await new Promise((done) => setImmediate(done));
  }
  answers[0]?.();
  expect(await again).toMatchObject({ status: 200 });
});

describe('a request is not resent', () => {
  it('when its connection was new', async () => {
    let requests = 0;
    const server = await serverThat((socket) => {
      requests += 1;
      socket.end();
    });
    expect(await send(server.url)).toMatchObject({ fault: 'NETWORK_ERROR' });
    expect(requests).toBe(1);
  });

  it('when a byte of its response has arrived', async () => {
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

describe('a connection is not reused', () => {
  it.each([
    ['after unsolicited bytes', `${OK}HTTP/1.1 200 OK\r\n`],
    ['after a response with bare LF line endings', OK.replaceAll('\r\n', '\n')],
    ['after Connection: close', OK.replace('\r\n', '\r\nConnection: close\r\n')],
    ['after Keep-Alive: timeout=1', OK.replace('\r\n', '\r\nKeep-Alive: timeout=1\r\n')],
  ])('%s', async (_what, answer) => {
    const server = await serverThat((socket) => socket.write(answer));
    for (let n = 1; n <= 2; n++) {
      expect(await send(server.url)).toMatchObject({ status: 200, body: 'ok' });
      expect(server.accepted()).toBe(n);
    }
  });

  it('after bytes that arrive while it is idle', async () => {
    const server = await serverThat((socket) => {
      socket.write(OK);
      setTimeout(() => socket.write(OK.replace('200', '500')), 50);
    });
    await send(server.url);
    await expect.poll(() => server.open()).toBe(0);
    expect(await send(server.url)).toMatchObject({ status: 200 });
  });
});
