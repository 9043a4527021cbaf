import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAddressGuard } from '../../src/webhook/address-guard.js';
import {
  createSender,
  UnsentError,
  type Sender,
  type SendRequest,
  type SendResult,
} from '../../src/webhook/send.js';
import { newSecret, sign, signerOf } from '../../src/webhook/sign.js';
import {
  startReceiver,
  verified,
  type Behaviour,
  type Receiver,
  type ReceiverOptions,
} from '../support/receiver.js';
import { makeCertificates, type Certificates } from '../support/tls.js';

const LOOPBACK = createAddressGuard(['127.0.0.0/8', '::1/128']);
const DEADLINE_MS = 300;
/** A deadline no test is meant to reach. */
const AMPLE_MS = 5000;

let certificates: Certificates;
let sender: Sender;
const receivers: Receiver[] = [];

beforeAll(async () => {
  certificates = await makeCertificates();
});
beforeEach(() => {
  sender = createSender({ guard: LOOPBACK });
});
afterEach(async () => {
  vi.useRealTimers();
  await sender.close();
  await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
});

/** Not for every test: adding an authority to the public ones costs 40 ms of CPU. */
function trustTestAuthority(): void {
  sender = createSender({ guard: LOOPBACK, ca: certificates.ca });
}

async function receiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const started = await startReceiver(options);
  receivers.push(started);
  return started;
}

async function receiverThat(behaviour: Behaviour): Promise<Receiver> {
  return receiver({ behave: () => behaviour });
}

/** A receiver that answers nothing until `release`. */
async function holdingReceiver() {
  let release: (behaviour: Behaviour) => void = () => undefined;
  const released = new Promise<Behaviour>((resolve) => (release = resolve));
  return { ...(await receiver({ behave: () => released })), release };
}

function send(url: string, request: Partial<SendRequest> = {}): Promise<SendResult> {
  return sender.send({
    url,
    headers: { 'content-type': 'application/json' },
    body: '{}',
    timeoutMs: AMPLE_MS,
    tenant: 'default',
    endpointId: 'ep_test',
    ...request,
  });
}

/** A TCP server that hands each connection to `onConnection` and sends nothing itself. */
async function tcpServer(onConnection: (socket: net.Socket) => void) {
  const server = net.createServer((socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

async function closedPort(): Promise<number> {
  const server = await tcpServer(() => undefined);
  server.close();
  return server.port;
}

describe('an answer', () => {
  it.each([200, 201, 400, 404, 408, 410, 429, 500, 503])('with status %i is a response', async (status) => {
    const { url } = await receiverThat({
      status,
      body: `status ${status}`,
      headers: { 'X-Request-ID': 'r1' },
    });
    const result = await send(url);
    expect(result).toMatchObject({ kind: 'response', status, body: `status ${status}`, truncated: false });
    expect(result.headers['x-request-id']).toBe('r1');
    expect(result.remoteAddress).toBe('127.0.0.1');
  });

  it('without a body is a response with an empty body', async () => {
    const { url } = await receiverThat({ status: 204 });
    expect(await send(url)).toMatchObject({ kind: 'response', status: 204, body: '', truncated: false });
  });

  it('that redirects is not followed', async () => {
    const target = await receiver();
    const { url } = await receiverThat({ status: 301, headers: { location: target.url } });
    expect(await send(url)).toMatchObject({
      kind: 'response',
      status: 301,
      headers: { location: target.url },
    });
    expect(target.requests).toHaveLength(0);
  });

  it.each([
    ['120', '120'],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 'Wed, 21 Oct 2026 07:28:00 GMT'],
  ])('keeps its Retry-After %s as it was sent', async (sent, expected) => {
    const { url } = await receiverThat({ status: 503, headers: { 'retry-after': sent } });
    expect(await send(url)).toMatchObject({ retryAfter: expected });
  });

  it('keeps the first of two Retry-After headers, and null without one', async () => {
    const twice = await receiverThat({ status: 429, headers: { 'Retry-After': ['7', '9'] } });
    expect(await send(twice.url)).toMatchObject({ retryAfter: '7' });
    const none = await receiver();
    expect(await send(none.url)).toMatchObject({ retryAfter: null });
  });

  it('keeps no more than 500 characters of its Retry-After', async () => {
    const { url } = await receiverThat({ status: 503, headers: { 'retry-after': '9'.repeat(10_000) } });
    expect(await send(url)).toMatchObject({ retryAfter: '9'.repeat(500) });
  });

  it('joins repeated headers', async () => {
    const { url } = await receiverThat({ status: 200, headers: { 'set-cookie': ['a=1', 'b=2'] } });
    expect((await send(url)).headers['set-cookie']).toBe('a=1, b=2');
  });

  it('may follow an informational answer', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n';
    const { url } = await receiverThat({
      raw: `${early}HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok`,
    });
    expect(await send(url)).toMatchObject({ kind: 'response', status: 202, body: 'ok' });
  });

  it('without a length ends with its connection', async () => {
    const { url } = await receiverThat({ raw: 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nall of it' });
    expect(await send(url)).toMatchObject({
      kind: 'response',
      status: 200,
      body: 'all of it',
      truncated: false,
    });
  });

  it('that never ends is judged by its status, and its connection is closed', async () => {
    const endless = await receiverThat({ endless: true, status: 500 });
    const result = await send(endless.url);
    expect(result).toMatchObject({ kind: 'response', status: 500, body: 'x'.repeat(4096), truncated: true });
    await expect.poll(() => endless.connections()).toBe(0);
  });
});

describe('the kept part of an answer', () => {
  it.each([
    ['a gzipped body, decoded', { status: 200, body: 'plain words', gzip: true }, 'plain words', false],
    ['NUL bytes, replaced', { status: 200, body: 'a\0b' }, 'a\uFFFDb', false],
    ['invalid UTF-8, replaced', { status: 200, body: Buffer.from([0x61, 0xff, 0x62]) }, 'a\uFFFDb', false],
    [
      '4 KiB, cut before a broken character',
      { status: 200, body: `${'x'.repeat(4095)}é!` },
      'x'.repeat(4095),
      true,
    ],
    [
      'a note instead of a body that is not gzip as declared',
      { status: 200, body: 'no', headers: { 'content-encoding': 'gzip' } },
      /^<2 bytes/,
      false,
    ],
    [
      'a note instead of a body with two encodings',
      { status: 200, body: 'x', headers: { 'content-encoding': ['gzip', 'br'] } },
      /^</,
      false,
    ],
  ] as const)('is %s', async (_what, behaviour, body, truncated) => {
    const { url } = await receiverThat(behaviour as unknown as Behaviour);
    const result = await send(url);
    expect(result).toMatchObject({ kind: 'response', status: 200, truncated });
    expect(result.body).toEqual(typeof body === 'string' ? body : expect.stringMatching(body));
  });

  it('includes a header of any bytes as valid text', async () => {
    const head = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-odd: ');
    const { url } = await receiverThat({
      raw: Buffer.concat([head, Buffer.from([0xff, 0xc3, 0x28]), Buffer.from('\r\n\r\n')]),
    });
    const result = await send(url);
    expect(result).toMatchObject({ kind: 'response', status: 200 });
    expect(Buffer.from(result.headers['x-odd'] ?? '').toString()).toBe('ÿÃ(');
  });

  it('includes at most 64 headers', async () => {
    const headers = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x-${n}`, 'v']));
    const { url } = await receiverThat({ status: 200, headers: { ...headers, 'retry-after': '5' } });
    const result = await send(url);
    expect(Object.keys(result.headers)).toHaveLength(64);
    expect(result).toMatchObject({ retryAfter: '5' });
  });
});

describe('the deadline', () => {
  it('ends a wait for headers', async () => {
    const hanging = await receiverThat({ hang: true });
    const result = await send(hanging.url, { timeoutMs: DEADLINE_MS });
    expect(result).toMatchObject({
      kind: 'fault',
      fault: 'TIMEOUT',
      status: null,
      body: null,
      remoteAddress: '127.0.0.1',
    });
    expect(result).toMatchObject({
      message: expect.stringMatching(/300 ms.*waiting for the answer/) as string,
    });
    expectAtDeadline(result);
    await expect.poll(() => hanging.connections()).toBe(0);
  });

  it('ends a trickling body, and the status still decides', async () => {
    const { url } = await receiverThat({ trickle: { everyMs: 20 } });
    const result = await send(url, { timeoutMs: DEADLINE_MS });
    expect(result).toMatchObject({ kind: 'response', status: 200, truncated: true });
    expect(result).toMatchObject({ error: expect.stringContaining('reading the body') as string });
    expect(result.body).toMatch(/^\.+$/);
    expectAtDeadline(result);
  });

  it('is not awaited by a trickling body: reading ends two seconds after the headers', async () => {
    const trickling = await receiverThat({ trickle: { everyMs: 50, status: 503 } });
    const result = await send(trickling.url, { timeoutMs: 60_000 });
    expect(result).toMatchObject({ kind: 'response', status: 503, truncated: true });
    expect(result).toMatchObject({
      error: expect.stringMatching(/reading the body.* ms after its headers/) as string,
    });
    expect(result.latencyMs).toBeGreaterThanOrEqual(1_990);
    expect(result.latencyMs).toBeLessThan(30_000);
    await expect.poll(() => trickling.connections()).toBe(0);
  });

  it('ends a TLS handshake, and leaves no connection behind', async () => {
    let closed = false;
    const silent = await tcpServer((socket) => socket.resume().on('close', () => (closed = true)));
    const result = await send(`https://127.0.0.1:${silent.port}/`, { timeoutMs: DEADLINE_MS });
    expect(result).toMatchObject({ kind: 'fault', fault: 'TIMEOUT', remoteAddress: '127.0.0.1' });
    expect(result).toMatchObject({ message: expect.stringContaining('TLS handshake') as string });
    expectAtDeadline(result);
    await expect.poll(() => closed).toBe(true);
    silent.close();
  });

  it('excludes the wait for a connection; a request that waits five seconds is no attempt', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const busy = await holdingReceiver();
    const holding = Array.from({ length: 256 }, () => send(busy.url, { timeoutMs: 60_000 }));
    await busy.waitFor((requests) => requests.length === 256);
    const early = expect(send(busy.url)).rejects.toBeInstanceOf(UnsentError);
    await vi.advanceTimersByTimeAsync(1);
    const late = send(busy.url, { timeoutMs: 500 });
    await vi.advanceTimersByTimeAsync(4_999);
    await early;
    busy.release({ status: 200 });
    expect(await late).toMatchObject({ kind: 'response', status: 200 });
    await Promise.all(holding);
  });

  it('is awaited by at most 512 requests of an endpoint: the next is refused, another endpoint served', async () => {
    const busy = await holdingReceiver();
    const holding = Array.from({ length: 512 }, () => send(busy.url, { timeoutMs: 60_000 }));
    await busy.waitFor((requests) => requests.length === 256);
    await expect(send(busy.url)).rejects.toThrow('as many requests under way as it may');
    const other = send(busy.url, { endpointId: 'ep_other' });
    await busy.waitFor((requests) => requests.length === 257);
    busy.release({ status: 200 });
    for (const result of await Promise.all([other, ...holding])) expect(result.status).toBe(200);
  });

  function expectAtDeadline(result: SendResult): void {
    expect(result.latencyMs).toBeGreaterThanOrEqual(DEADLINE_MS - 5);
    // The time after which a body is no longer read.
    expect(result.latencyMs).toBeLessThan(2_000);
  }
});

describe('a network fault', () => {
  it('is a reset before the answer', async () => {
    const { url } = await receiverThat({ reset: 'before' });
    expect(await send(url)).toMatchObject({
      kind: 'fault',
      fault: 'NETWORK_ERROR',
      message: expect.stringMatching(/before an answer came \(ECONNRESET\)/) as string,
      status: null,
      remoteAddress: '127.0.0.1',
    });
  });

  it.each([
    'SSH-2.0-OpenSSH_9.6\r\n',
    'HTTP/1.1 abc\r\n\r\n',
    'HTTP/1.1 200 OK\r\nbad header\0: x\r\n\r\n',
    '',
  ])('is the answer %j, which is not HTTP', async (raw) => {
    const { url } = await receiverThat({ raw });
    const result = await send(url);
    expect(result).toMatchObject({ kind: 'fault', fault: 'NETWORK_ERROR', status: null });
  });

  it('is a port where nothing listens', async () => {
    expect(await send(`http://127.0.0.1:${await closedPort()}/`)).toMatchObject({
      kind: 'fault',
      fault: 'NETWORK_ERROR',
      message: expect.stringMatching(/127\.0\.0\.1.*\(ECONNREFUSED\)/) as string,
      remoteAddress: '127.0.0.1',
      timings: { connect: null, first_byte: null },
    });
  });

  it('is plain HTTP sent to a TLS port', async () => {
    const { port } = await receiver({ tls: certificates.valid });
    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: 'fault', fault: 'NETWORK_ERROR' });
  });

  it.each([
    ['a header beyond Latin-1', { headers: { 'x-own': '☃' } }],
    ['a header with a line break', { headers: { 'x-own': 'a\r\nb: c' } }],
    ['a header name with a space', { headers: { 'two words': 'x' } }],
    ['a header that HTTP reserves', { headers: { 'transfer-encoding': 'chunked' } }],
    ['an Expect header', { headers: { expect: '100-continue' } }],
    ['a malformed URL', { url: 'nonsense' }],
    ['an unsupported protocol', { url: 'ftp://127.0.0.1/' }],
  ])('is %s, which cannot be sent', async (_what, request) => {
    const target = await receiver();
    expect(await send(target.url, request)).toMatchObject({
      kind: 'fault',
      fault: 'NETWORK_ERROR',
      message: expect.stringMatching(/^The request could not be sent/) as string,
    });
    expect(target.requests).toHaveLength(0);
    expect(await send(target.url)).toMatchObject({ kind: 'response', status: 200 });
  });
});

describe('a name', () => {
  it('that does not exist is a DNS fault', async () => {
    expect(await send('http://does-not-exist.invalid/')).toMatchObject({
      kind: 'fault',
      fault: 'DNS_ERROR',
      message: expect.stringMatching(
        /does-not-exist\.invalid could not be resolved \((ENOTFOUND|EAI_AGAIN)\)/,
      ) as string,
      remoteAddress: null,
      timings: { dns: null, connect: null, tls: null, first_byte: null },
    });
  });
});

describe('TLS', () => {
  beforeEach(trustTestAuthority);

  it('works with a valid certificate, and reports its time', async () => {
    const secure = await receiver({ tls: certificates.valid });
    const result = await send(secure.url);
    expect(result).toMatchObject({ kind: 'response', status: 200 });
    const { dns, connect, tls, first_byte } = result.timings;
    for (const time of [dns, connect, tls, first_byte]) expect(time).toBeGreaterThanOrEqual(0);
  });

  it('works with an IP address in the certificate', async () => {
    const { port } = await receiver({ tls: certificates.valid });
    expect(await send(`https://127.0.0.1:${port}/`)).toMatchObject({ kind: 'response', status: 200 });
  });

  it.each([
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ] as const)('fails with the error code of a certificate that is %s', async (which, code) => {
    const secure = await receiver({ tls: certificates[which] });
    expect(await send(secure.url)).toMatchObject({
      kind: 'fault',
      fault: 'TLS_ERROR',
      message: expect.stringContaining(`(${code})`) as string,
      status: null,
      remoteAddress: '127.0.0.1',
    });
    expect(secure.requests).toHaveLength(0);
  });

  it('fails with an untrusted certificate authority', async () => {
    const secure = await receiver({ tls: certificates.valid });
    const stranger = createSender({ guard: LOOPBACK });
    const result = await stranger.send({
      url: secure.url,
      headers: {},
      body: '{}',
      timeoutMs: AMPLE_MS,
      tenant: 'default',
      endpointId: 'ep_test',
    });
    expect(result).toMatchObject({ kind: 'fault', fault: 'TLS_ERROR' });
    await stranger.close();
  });

  it('fails on a port that speaks plain HTTP', async () => {
    const { port } = await receiver();
    expect(await send(`https://localhost:${port}/`)).toMatchObject({
      kind: 'fault',
      fault: 'TLS_ERROR',
      message: expect.stringMatching(/TLS handshake with localhost failed/) as string,
    });
  });

  it('fails when the connection ends during the handshake', async () => {
    const rude = await tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await send(`https://127.0.0.1:${rude.port}/`)).toMatchObject({
      kind: 'fault',
      fault: 'TLS_ERROR',
      message: expect.stringContaining('(ECONNRESET)') as string,
    });
    rude.close();
  });
});

describe('a forbidden address', () => {
  it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1'])(
    'is not connected to when written as %s',
    async (host) => {
      let connected = 0;
      const server = await tcpServer(() => (connected += 1));
      const strict = createSender({ guard: createAddressGuard([]) });
      for (const protocol of ['http', 'https']) {
        const url = `${protocol}://${host}:${server.port}/`;
        const result = await strict.send({
          url,
          headers: {},
          body: '{}',
          timeoutMs: AMPLE_MS,
          tenant: 'default',
          endpointId: 'ep_test',
        });
        expect(result).toMatchObject({
          kind: 'fault',
          fault: 'ADDRESS_BLOCKED',
          status: null,
          remoteAddress: null,
        });
        expect(result).toMatchObject({ message: expect.stringContaining('not allowed') as string });
      }
      expect(connected).toBe(0);
      await strict.close();
      server.close();
    },
  );

  it('is connected to when its network is allowed', async () => {
    const v6 = await receiver({ host: '::1' });
    expect(await send(`http://[::1]:${v6.port}/`)).toMatchObject({ kind: 'response', remoteAddress: '::1' });
    const v4 = await receiver();
    expect(await send(`http://[::ffff:127.0.0.1]:${v4.port}/`)).toMatchObject({
      kind: 'response',
      status: 200,
    });
  });
});

describe('a request', () => {
  it.each([
    '{}',
    ' { "a" :\t"ü🦊\\u0000" ,\r\n "n": 1e400, "n": 12345678901234567890 }\n',
    '"\u2028 and \u2029 and é́"',
    `"${'long '.repeat(50_000)}"`,
  ])('carries exactly the bytes that were signed', async (body) => {
    const target = await receiver();
    const secret = newSecret();
    const timestamp = Math.floor(Date.now() / 1000);
    const headers = {
      'webhook-id': 'evt_1',
      'webhook-timestamp': String(timestamp),
      'webhook-signature': sign([signerOf(secret)], 'evt_1', timestamp, body),
      'content-type': 'application/json',
    };
    await send(`${target.url}?a=b%20c&ü`, { body, headers });
    const [recorded] = target.requests;
    expect(recorded?.raw.equals(Buffer.from(body))).toBe(true);
    expect(recorded).toMatchObject({ method: 'POST', path: '/hook?a=b%20c&%C3%BC', headers });
    expect(recorded && verified(secret, recorded)).toEqual(JSON.parse(body));
  });

  it('reuses the connection of the last request, and reports no connection time', async () => {
    trustTestAuthority();
    const target = await receiver({ tls: certificates.valid });
    const first = await send(target.url);
    const second = await send(target.url);
    expect(target.requests[0]?.remotePort).toBe(target.requests[1]?.remotePort);
    expect(first.timings.tls).not.toBeNull();
    expect(second.timings).toMatchObject({ dns: null, connect: null, tls: null });
    expect(second.timings.first_byte).not.toBeNull();
    expect(second.remoteAddress).toBe('127.0.0.1');
  });

  it('opens a new connection after the receiver has closed the last one', async () => {
    const target = await receiverThat({ status: 200, headers: { connection: 'close' } });
    await send(target.url);
    const second = await send(target.url);
    expect(second).toMatchObject({ kind: 'response', status: 200 });
    expect(second.timings.connect).not.toBeNull();
  });

  it('reports the time of each phase', async () => {
    const { url } = await receiverThat({ status: 200, afterMs: 50 });
    const { timings, latencyMs, startedAt } = await send(url);
    expect(timings).toMatchObject({ dns: null, tls: null, total: latencyMs });
    expect(timings.first_byte).toBeGreaterThanOrEqual(45);
    expect((timings.connect ?? 0) + (timings.first_byte ?? 0)).toBeLessThanOrEqual(timings.total + 0.2);
    expect(Date.now() - startedAt.getTime()).toBeLessThan(AMPLE_MS);
  });

  it('shares at most 256 connections with 299 concurrent ones', async () => {
    const target = await receiver();
    let most = 0;
    target.setBehaviour(() => {
      most = Math.max(most, target.connections());
      return { status: 200, afterMs: 20 };
    });
    const bodies = Array.from({ length: 300 }, (_, n) => JSON.stringify({ n }));
    const results = await Promise.all(bodies.map((body) => send(target.url, { body })));
    expect(results.every((result) => result.status === 200)).toBe(true);
    expect(target.requests.map(({ body }) => body).sort()).toEqual(bodies.sort());
    expect(most).toBeGreaterThan(100);
    expect(most).toBeLessThanOrEqual(256);
  });

  it('to a receiver that hangs does not delay requests to another', async () => {
    const slow = await holdingReceiver();
    let ended = 0;
    const waiting = Array.from({ length: 300 }, () =>
      send(slow.url, { timeoutMs: 30_000 }).finally(() => (ended += 1)),
    );
    const healthy = await receiver();
    const fine = await Promise.all(Array.from({ length: 100 }, () => send(healthy.url)));
    expect(fine.every(({ status }) => status === 200)).toBe(true);
    expect(ended).toBe(0);
    slow.release({ status: 503 });
    expect((await Promise.all(waiting)).every(({ status }) => status === 503)).toBe(true);
  });
});

describe('a withdrawn request', () => {
  it('is not sent while it waits for a connection; sent and unselected requests continue', async () => {
    const busy = await holdingReceiver();
    const onItsWay = Array.from({ length: 256 }, () => send(busy.url));
    await busy.waitFor((requests) => requests.length === 256);
    const silent = await tcpServer(() => undefined);
    const asked = [
      send(busy.url, { tenant: 'acme' }),
      send(`https://localhost:${silent.port}/`, { tenant: 'acme' }),
    ];
    const other = send(busy.url, { tenant: 'other' });
    sender.withdraw(({ tenant }) => tenant === 'acme');
    for (const result of await Promise.allSettled(asked)) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: new UnsentError('withdrawn before it was sent'),
      });
    }
    sender.withdraw(({ tenant }) => tenant === 'default');
    busy.release({ status: 200 });
    expect((await Promise.all(onItsWay)).every(({ status }) => status === 200)).toBe(true);
    expect(await other).toMatchObject({ status: 200 });
    expect(busy.requests).toHaveLength(257);
    silent.close();
  });
});

describe('a closed sender', () => {
  it('lets running requests end, refuses new ones and leaves no connection open', async () => {
    const target = await receiverThat({ status: 200, afterMs: 50 });
    const running = send(target.url);
    await target.waitFor((requests) => requests.length === 1);
    const closing = sender.close();
    expect(await send(target.url)).toMatchObject({
      kind: 'fault',
      message: expect.stringContaining('closed') as string,
    });
    expect(await running).toMatchObject({ kind: 'response', status: 200 });
    await closing;
    await expect.poll(() => target.connections()).toBe(0);
  });
});

describe('the right to send', () => {
  it('is asked for right before the first byte, on a new connection and on a reused one', async () => {
    const server = await receiverThat({ status: 200 });
    await expect(send(server.url, { maySend: () => false })).rejects.toBeInstanceOf(UnsentError);
    expect(server.requests).toHaveLength(0);
    await send(server.url, { maySend: () => true });
    await expect(send(server.url, { maySend: () => false })).rejects.toBeInstanceOf(UnsentError);
    expect(server.requests).toHaveLength(1);
  });
});
