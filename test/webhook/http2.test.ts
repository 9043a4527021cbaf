import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSender, type Send } from '../support/sending.js';
import { makeCertificates, type Certificates } from '../support/tls.js';

let certificates: Certificates;
let sender: ReturnType<typeof startSender>;
let send: Send;
let server: Http2SecureServer;
let url: string;
let got: { headers: Record<string, unknown>; body: string }[];
let answer: (stream: ServerHttp2Stream) => void;
const sockets = new Set<Socket>();

beforeAll(async () => {
  certificates = await makeCertificates();
});
beforeEach(async () => {
  sender = startSender({ ca: certificates.ca });
  send = sender.send;
  got = [];
  sockets.clear();
  // Without `allowHTTP1`, the server refuses a handshake that offers only HTTP/1.1.
  server = createSecureServer(certificates.valid);
  server.on('secureConnection', (socket: Socket) =>
    sockets.add(socket.on('close', () => sockets.delete(socket))),
  );
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    let body = '';
    stream.on('error', () => undefined);
    stream.on('data', (bytes) => (body += String(bytes)));
    stream.on('end', () => {
      got.push({ headers, body });
      answer(stream);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `https://localhost:${(server.address() as AddressInfo).port}/hook?a=b`;
});
afterEach(async () => {
  await sender.close();
  server.close();
  for (const socket of sockets) socket.destroy();
});

describe('a receiver that offers only HTTP/2', () => {
  it('gets its requests over HTTP/2, on one connection', async () => {
    answer = (stream) => {
      stream.additionalHeaders({ ':status': 103 });
      stream.respond({ ':status': 201, 'content-type': 'text/plain', 'x-a': ['1', '2'] });
      stream.end('thank you');
    };
    for (const body of ['{"n":1}', '{"n":"ü"}']) {
      const result = await send(url, { body, headers: { 'webhook-id': 'evt_1' } });
      expect(result).toMatchObject({
        kind: 'response',
        status: 201,
        headers: { 'content-type': 'text/plain', 'x-a': '1, 2' },
        body: 'thank you',
        truncated: false,
        error: null,
        remoteAddress: '127.0.0.1',
      });
      expect(got.at(-1)).toMatchObject({
        body,
        headers: { ':method': 'POST', ':path': '/hook?a=b', 'webhook-id': 'evt_1' },
      });
    }
    expect(sockets.size).toBe(1);
  });

  it('is judged by its status, even if its body breaks off or never ends', async () => {
    answer = (stream) => {
      stream.respond({ ':status': 410 });
      stream.write('the start', () => setTimeout(() => stream.destroy(new Error('cut')), 30));
    };
    expect(await send(url)).toMatchObject({
      kind: 'response',
      status: 410,
      body: 'the start',
      truncated: true,
    });
    answer = (stream) => {
      stream.respond({ ':status': 200 });
      const pump = (): void => {
        while (!stream.destroyed && stream.write('x'.repeat(16_384)));
      };
      stream.on('drain', pump);
      pump();
    };
    expect(await send(url)).toMatchObject({
      status: 200,
      body: 'x'.repeat(4096),
      truncated: true,
      error: null,
    });
  });

  it('is held to the same deadline, and its faults are classified', async () => {
    answer = () => undefined;
    expect(await send(url, { timeoutMs: 400 })).toMatchObject({ fault: 'TIMEOUT', status: null });
    await expect.poll(() => sockets.size).toBe(0);
    answer = (stream) => stream.close(2);
    expect(await send(url)).toMatchObject({ fault: 'NETWORK_ERROR', status: null });
    answer = (stream) => stream.session!.destroy();
    expect(await send(url)).toMatchObject({ fault: 'NETWORK_ERROR', status: null });
  });

  it('may close its idle connection: the next request opens another', async () => {
    answer = (stream) => {
      stream.respond({ ':status': 200 }, { endStream: true });
    };
    await send(url);
    for (const socket of sockets) socket.destroy();
    expect(await send(url)).toMatchObject({ status: 200 });
  });

  it('may switch to HTTP/1.1 at any time', async () => {
    answer = (stream) => stream.respond({ ':status': 200 }, { endStream: true });
    expect(await send(url)).toMatchObject({ status: 200 });
    const { port } = server.address() as AddressInfo;
    server.close();
    for (const socket of sockets) socket.destroy();
    const older = createHttpsServer(
      { ...certificates.valid, ALPNProtocols: ['http/1.1'] },
      (_request, response) => response.writeHead(202).end(),
    );
    older.listen(port, '127.0.0.1');
    await once(older, 'listening');
    try {
      expect(await send(url)).toMatchObject({ status: 202 });
    } finally {
      older.close();
      older.closeAllConnections();
    }
  });
});
