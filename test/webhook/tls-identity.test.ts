import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tlsIdentity } from '../../src/webhook/tls-identity.js';
import { startProxy, type ProxyServer } from '../support/proxy-server.js';
import { startReceiver, type Receiver, type ReceiverOptions } from '../support/receiver.js';
import { startSender, type Send } from '../support/sending.js';
import { makeCertificates, type Certificates } from '../support/tls.js';

let ours: Certificates;
let others: Certificates;
const release: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  [ours, others] = [await makeCertificates(), await makeCertificates('Another Authority')];
});
afterEach(async () => {
  for (const step of release.splice(0).reverse()) await step();
});

async function receiver(options: ReceiverOptions): Promise<Receiver> {
  const started = await startReceiver(options);
  release.push(started.close);
  return started;
}

const trusting = (ca: string) => tlsIdentity({ ca, certificate: null, privateKey: null });
const showing = ({ cert, key }: { cert: string; key: string }, ca: string | null = null) =>
  tlsIdentity({ ca, certificate: cert, privateKey: key });

describe.each(['directly', 'through a proxy'])('%s', (way) => {
  let proxy: ProxyServer | null = null;
  beforeEach(async () => {
    if (way === 'directly') return;
    proxy = await startProxy();
    release.push(proxy.close);
  });

  function sender(ca?: string): Send {
    const { send, close } = startSender({ ...(ca ? { ca } : {}), ...(proxy ? { proxy: proxy.url } : {}) });
    release.push(close);
    return send;
  }

  describe('an own authority', () => {
    it('is trusted by the requests that have it, and by no others', async () => {
      const { url, requests } = await receiver({ tls: ours.valid });
      const send = sender();
      expect(await send(url, { tls: trusting(ours.ca) })).toMatchObject({ kind: 'response', status: 200 });
      expect(await send(url)).toMatchObject({ fault: 'TLS_ERROR' });
      expect(await send(url, { tls: trusting(others.ca) })).toMatchObject({ fault: 'TLS_ERROR' });
      expect(requests).toHaveLength(1);
    });

    it('is trusted instead of those that are trusted otherwise', async () => {
      const { url, requests } = await receiver({ tls: ours.valid });
      expect(await sender(ours.ca)(url, { tls: trusting(others.ca) })).toMatchObject({
        fault: 'TLS_ERROR',
        code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      });
      expect(requests).toEqual([]);
    });
  });

  describe('a client certificate', () => {
    it('is shown to a receiver that asks for one', async () => {
      const { url, requests } = await receiver({ tls: { ...ours.valid, ca: ours.ca, requestCert: true } });
      const send = sender(ours.ca);
      expect(await send(url, { tls: showing(ours.wrongHost) })).toMatchObject({ status: 200 });
      expect(await send(url)).toMatchObject({
        fault: 'TLS_ERROR',
        code: expect.stringContaining('CERTIFICATE_REQUIRED') as string,
      });
      expect((await send(url, { tls: showing(others.valid) })).kind).toBe('fault');
      expect(requests).toHaveLength(1);
    });

    it('is never shown on a connection, or in a TLS session, of another certificate', async () => {
      const { url, requests } = await receiver({
        tls: { ...ours.valid, ca: [ours.ca, others.ca], requestCert: true, maxVersion: 'TLSv1.2' },
      });
      const send = sender(ours.ca);
      expect(await send(url, { tls: showing(ours.valid) })).toMatchObject({ status: 200 });
      // With the session of the first, the receiver would ask for no certificate.
      expect(await send(url)).toMatchObject({ kind: 'fault', fault: 'TLS_ERROR' });
      expect(await send(url, { tls: showing(others.valid) })).toMatchObject({ status: 200 });
      expect(await send(url, { tls: showing(ours.valid) })).toMatchObject({ status: 200 });
      expect(new Set(requests.map(({ remotePort }) => remotePort)).size).toBe(2);
    });

    it('that OpenSSL does not take is a fault, and no request leaves', async () => {
      const { url, requests } = await receiver({ tls: ours.valid });
      const broken = tlsIdentity({ ca: null, certificate: 'no PEM', privateKey: 'no PEM' });
      expect(await sender(ours.ca)(url, { tls: broken })).toMatchObject({ kind: 'fault' });
      expect(requests).toEqual([]);
    });
  });

  describe('an inspected request', () => {
    it('tells the version of TLS and the certificate, on a connection of its own', async () => {
      const { url, requests } = await receiver({ tls: ours.valid });
      const send = sender(ours.ca);
      await send(url);
      const result = await send(url, { inspect: true });
      expect(result).toMatchObject({
        status: 200,
        tlsFacts: {
          version: 'TLSv1.3',
          certificate: {
            subject: 'receiver',
            issuer: 'Test Authority',
            names: ['localhost', '127.0.0.1', '0:0:0:0:0:0:0:1'],
          },
        },
      });
      expect(new Date(result.tlsFacts!.certificate!.expires_at!).getTime()).toBeGreaterThan(Date.now());
      expect(result.timings.tls).not.toBeNull();
      expect(new Set(requests.map(({ remotePort }) => remotePort)).size).toBe(2);
    });

    it('leaves no connection behind', async () => {
      const { url, connections } = await receiver({
        tls: ours.valid,
        behave: () => ({ status: 200, headers: { 'keep-alive': 'timeout=60' } }),
      });
      const send = sender(ours.ca);
      expect(await send(url, { inspect: true })).toMatchObject({ status: 200 });
      await expect.poll(connections, { timeout: 10_000 }).toBe(0);
    });

    it.each([
      ['expired', 'CERT_HAS_EXPIRED'],
      ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
      ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      ['malformedTime', 'ERROR_IN_CERT_NOT_AFTER_FIELD'],
    ] as const)('is not sent to a receiver whose certificate is %s', async (name, code) => {
      const { url, requests } = await receiver({ tls: ours[name] });
      const send = sender(ours.ca);
      for (const inspect of [true, false, true]) {
        const result = await send(url, { inspect });
        expect(result).toMatchObject({ kind: 'fault', fault: 'TLS_ERROR', code });
        if (!inspect) continue;
        const { expires_at } = result.tlsFacts!.certificate!;
        if (name === 'malformedTime') expect(expires_at).toBeNull();
        else expect(expires_at).toMatch(/Z$/);
      }
      expect(requests).toEqual([]);
    });
  });
});
