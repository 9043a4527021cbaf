import type { LookupAddress } from 'node:dns';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { UnsentError } from '../../src/webhook/send.js';
import { parseProxy } from '../../src/webhook/tunnel.js';
import { startProxy, type ProxyServer } from '../support/proxy-server.js';
import { startReceiver, type Receiver, type ReceiverOptions } from '../support/receiver.js';
import { startStuckListener } from '../support/stuck-listener.js';
import { startSender, type Send } from '../support/sending.js';
import { makeCertificates, type Certificates } from '../support/tls.js';

type Answer = (error: Error | null, addresses: LookupAddress[]) => void;
const lookup = vi.hoisted(() => vi.fn<(host: string, options: object, answer: Answer) => void>());
vi.mock('node:dns', async (original) => ({ ...(await original<object>()), lookup }));

const resolvesTo = (...addresses: string[]) =>
  lookup.mockImplementation((_host, _options, answer) =>
    setImmediate(
      answer,
      null,
      addresses.map((address) => ({ address, family: 4 })),
    ),
  );

let certificates: Certificates;
let proxy: ProxyServer;
let send: Send;
const release: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  certificates = await makeCertificates();
});
beforeEach(async () => {
  lookup.mockReset();
  proxy = await startProxy();
  const sender = startSender({ proxy: proxy.url, ca: certificates.ca });
  ({ send } = sender);
  release.push(proxy.close, () => sender.close());
});
afterEach(async () => {
  for (const step of release.splice(0).reverse()) await step();
});

async function receiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const started = await startReceiver(options);
  release.push(started.close);
  return started;
}

describe('through a proxy', () => {
  it('an http request goes to the checked address of the name, with the name as its host', async () => {
    const { port, requests } = await receiver();
    resolvesTo('127.0.0.1');
    expect(await send(`http://name.test:${port}/hook?a=1`, { body: '{"n":1}' })).toMatchObject({
      kind: 'response',
      status: 200,
      remoteAddress: '127.0.0.1',
    });
    expect(proxy.connects).toEqual([
      { target: `127.0.0.1:${port}`, host: `127.0.0.1:${port}`, authorization: undefined },
    ]);
    expect(requests).toMatchObject([
      { path: '/hook?a=1', body: '{"n":1}', headers: { host: `name.test:${port}` } },
    ]);
  });

  it('an https request checks the certificate of the name, and the proxy sees no plain text', async () => {
    const { port, requests } = await receiver({ tls: certificates.valid });
    resolvesTo('127.0.0.1');
    const result = await send(`https://localhost:${port}/hook`);
    expect(result).toMatchObject({ kind: 'response', status: 200, remoteAddress: '127.0.0.1' });
    expect(result.timings).toEqual({
      dns: expect.any(Number) as number,
      connect: expect.any(Number) as number,
      tls: expect.any(Number) as number,
      first_byte: expect.any(Number) as number,
      total: expect.any(Number) as number,
    });
    expect(requests).toHaveLength(1);
    expect(await send(`https://other.test:${port}/hook`)).toMatchObject({
      fault: 'TLS_ERROR',
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(await send(`https://127.0.0.1:${port}/hook`)).toMatchObject({ kind: 'response', status: 200 });
    expect(requests).toHaveLength(2);
  });

  it('a connection is used again, and its address is still known', async () => {
    const { port, requests } = await receiver();
    resolvesTo('127.0.0.1');
    for (let n = 0; n < 3; n++)
      expect(await send(`http://name.test:${port}/`)).toMatchObject({ remoteAddress: '127.0.0.1' });
    expect(proxy.connects).toHaveLength(1);
    expect(new Set(requests.map(({ remotePort }) => remotePort)).size).toBe(1);
  });

  it.each(['http://name.test:8080/', 'https://name.test/', 'http://10.0.0.1/'])(
    'a forbidden address of %s is refused here, and the proxy hears nothing of it',
    async (url) => {
      resolvesTo('127.0.0.1', '10.0.0.1');
      expect(await send(url)).toMatchObject({ kind: 'fault', fault: 'ADDRESS_BLOCKED' });
      expect(proxy.connects).toEqual([]);
    },
  );

  it('the second address of a name is tried where the proxy cannot connect to the first', async () => {
    const { port, requests } = await receiver();
    resolvesTo('127.0.0.99', '127.0.0.1');
    proxy.refuseNext(503);
    expect(await send(`http://name.test:${port}/`)).toMatchObject({
      kind: 'response',
      remoteAddress: '127.0.0.1',
    });
    expect(proxy.connects.map(({ target }) => target)).toEqual([`127.0.0.99:${port}`, `127.0.0.1:${port}`]);
    expect(requests).toHaveLength(1);
  });

  it('an address that the proxy cannot connect to is a fault of the receiver', async () => {
    const { port, close } = await startReceiver();
    await close();
    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({
      kind: 'fault',
      fault: 'NETWORK_ERROR',
      code: 'EPROXYCONNECT',
      remoteAddress: '127.0.0.1',
    });
  });

  it('the second address of a name is tried where the proxy does not answer for the first', async () => {
    const { port, requests } = await receiver();
    resolvesTo('127.0.0.99', '127.0.0.1');
    proxy.refuseNext('hang');
    expect(await send(`http://name.test:${port}/`, { timeoutMs: 3_000 })).toMatchObject({
      kind: 'response',
      remoteAddress: '127.0.0.1',
    });
    expect(proxy.connects).toHaveLength(2);
    expect(requests).toHaveLength(1);
  });

  it('an address that the rules of the proxy forbid uses up attempts, after all addresses were tried', async () => {
    const { port, requests } = await receiver();
    resolvesTo('127.0.0.99', '127.0.0.1');
    proxy.refuseNext(403, 403);
    expect(await send(`http://name.test:${port}/`)).toMatchObject({
      kind: 'fault',
      fault: 'NETWORK_ERROR',
      code: 'EPROXYCONNECT',
      message: 'No connection to 127.0.0.1 could be made: the proxy answered 403 to CONNECT.',
    });
    expect(proxy.connects).toHaveLength(2);
    expect(requests).toEqual([]);
  });

  it.each([407, 400, 429])('%i of the proxy is no attempt: the fault is ours', async (status) => {
    const { url, requests } = await receiver();
    proxy.refuseNext(status);
    await expect(send(url)).rejects.toThrow(new UnsentError(`the proxy answered ${status} to CONNECT`));
    expect(requests).toEqual([]);
  });

  it('a proxy that is away is no attempt', async () => {
    const { url, requests } = await receiver();
    await proxy.close();
    release.splice(0, 1);
    await expect(send(url)).rejects.toThrow(UnsentError);
    expect(requests).toEqual([]);
  });

  it('a proxy that accepts no connection is no attempt, however short the deadline', async () => {
    const stuck = await startStuckListener();
    release.push(stuck.close);
    const sender = startSender({ proxy: `http://127.0.0.1:${stuck.port}` });
    release.push(() => sender.close());
    const sent = sender.send('http://127.0.0.1:9/', { timeoutMs: 500 });
    await expect(sent).rejects.toThrow(
      new UnsentError('the proxy gave no answer (not connected within 3000 ms)'),
    );
  });

  it('a receiver that hangs is held to its deadline', async () => {
    const { url } = await receiver({ behave: () => ({ hang: true }) });
    expect(await send(url, { timeoutMs: 300 })).toMatchObject({ kind: 'fault', fault: 'TIMEOUT' });
  });
});

it('the credentials of the proxy go to the proxy alone', async () => {
  const { url, requests } = await receiver();
  const sender = startSender({ proxy: `http://us%3Aer:p%40ss@127.0.0.1:${proxy.port}` });
  release.push(() => sender.close());
  expect(await sender.send(url)).toMatchObject({ status: 200 });
  const expected = `Basic ${Buffer.from('us:er:p@ss').toString('base64')}`;
  expect(proxy.connects).toMatchObject([{ authorization: expected }]);
  expect(Object.keys(requests[0]!.headers)).not.toContain('proxy-authorization');
});

it('the URL of a proxy has a default port', () => {
  expect(parseProxy('http://proxy.internal')).toEqual({
    host: 'proxy.internal',
    port: 80,
    authorization: null,
  });
  expect(parseProxy('http://[::1]:3128')).toMatchObject({ host: '::1', port: 3128 });
});
