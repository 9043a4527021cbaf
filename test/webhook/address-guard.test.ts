import type { LookupAddress, LookupOptions } from 'node:dns';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AddressBlockedError,
  checkUrlAddress,
  createAddressGuard,
  portOf,
  resolveVetted,
} from '../../src/webhook/address-guard.js';
import { anyText } from '../support/text.js';

type Answer = (error: Error | null, addresses: LookupAddress[]) => void;
const lookup = vi.hoisted(() => vi.fn<(host: string, options: LookupOptions, answer: Answer) => void>());
vi.mock('node:dns', async (original) => ({ ...(await original<object>()), lookup }));

const guard = createAddressGuard([]);
const asker = { tenant: 'default' };
const ipv4 = (address: string): LookupAddress => ({ address, family: 4 });
const ipv6 = (address: string): LookupAddress => ({ address, family: 6 });

beforeEach(() => {
  lookup.mockReset();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('an address guard', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '168.63.129.16',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.192',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::8.8.8.8',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:168.63.129.16',
    '::ffff:0:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    '2002:808:808::1',
    '3fff::1',
    '4000::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
  ])('forbids %s', (address) => {
    expect(guard.isForbidden(address)).toBe(true);
  });

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '168.63.129.17',
    '172.32.0.1',
    '192.169.0.1',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    '2606:4700:4700::1111',
    '2a00:1450:4001:81b::200e',
    '2a00:1450:4001:81b::200e%1',
  ])('allows %s', (address) => {
    expect(guard.isForbidden(address)).toBe(false);
  });

  it.each([
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '8.8.8.8 ',
    '8.8.8.8%eth0',
    '[::1]',
    '08.8.8.8',
  ])('forbids %j, which is not an address', (text) => {
    expect(guard.isForbidden(text)).toBe(true);
  });

  it('allows addresses in an allowed network, in either notation of IPv4', () => {
    const open = createAddressGuard(['127.0.0.0/8', 'fd00::/8', '::1/128', '169.254.7.7/32']);
    for (const address of ['127.0.0.1', '::ffff:127.0.0.1', 'fd12::1', '::1', '169.254.7.7']) {
      expect(open.isForbidden(address)).toBe(false);
    }
    for (const address of [
      '10.0.0.1',
      '::ffff:10.0.0.1',
      'fe80::1',
      '169.254.7.8',
      '::127.0.0.1',
      '64:ff9b::7f00:1',
    ]) {
      expect(open.isForbidden(address)).toBe(true);
    }
  });

  it('treats an IPv4-mapped network as its IPv4 network', () => {
    const open = createAddressGuard(['::ffff:10.0.0.0/104']);
    expect(open.isForbidden('10.9.9.9')).toBe(false);
    expect(open.isForbidden('172.16.9.9')).toBe(true);
    expect(open.isForbidden('192.168.0.1')).toBe(true);
  });

  it.each([
    '10.0.0.0',
    '10.0.0.0/33',
    '::/129',
    'localhost/8',
    '10/8',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '',
    '/8',
  ])('refuses the network %j with a clear message', (network) => {
    expect(() => createAddressGuard([network])).toThrow(/is not a network in CIDR notation/);
  });

  it('judges an IPv4-mapped address like its IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(guard.isForbidden(`::ffff:${address}`)).toBe(guard.isForbidden(address));
      }),
    );
  });

  it('forbids every address in 0.0.0.0/8, 10.0.0.0/8 and 127.0.0.0/8', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const prefix = fc.constantFrom('10', '127', '0');
    fc.assert(
      fc.property(prefix, octet, octet, octet, (...parts) => {
        expect(guard.isForbidden(parts.join('.'))).toBe(true);
      }),
    );
  });

  it('allows no IPv6 address that is neither global nor IPv4-mapped', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        if (!guard.isForbidden(address))
          expect(address).toMatch(/^([23][0-9a-f]{3}:|::ffff:|(0+:)*0*:*ffff:)/i);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(anyText(), (text) => {
        expect(typeof guard.isForbidden(text)).toBe('boolean');
      }),
    );
  });
});

describe('allowed ports', () => {
  it('are all without a list, and those of the list with one', () => {
    expect([1, 443, 65_535].every(guard.allowsPort)).toBe(true);
    const few = createAddressGuard([], () => {}, [443, 8443]);
    expect([443, 8443].every(few.allowsPort)).toBe(true);
    expect([80, 44, 4438].some(few.allowsPort)).toBe(false);
  });

  it.each([
    ['https://a.test/', 443],
    ['http://a.test/', 80],
    ['https://a.test:8443/', 8443],
    ['http://[::1]:25/', 25],
  ])('are compared with the port of %s', (url, port) => {
    expect(portOf(new URL(url))).toBe(port);
  });
});

describe('checkUrlAddress', () => {
  it.each([
    ['http://127.0.0.1:8080/x', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://0x7f.1/', '127.0.0.1'],
    ['https://[::1]/', '::1'],
    ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
    ['https://8.8.8.8/', null],
    ['not a url', null],
  ])('judges the address in %s', async (url, expected) => {
    expect(await checkUrlAddress(guard, url, asker)).toBe(expected);
    expect(lookup).not.toHaveBeenCalled();
  });

  it('returns the forbidden address among those of a name', async () => {
    lookup.mockImplementation((_host, _options, answer) => answer(null, [ipv4('8.8.8.8'), ipv6('fd00::7')]));
    expect(await checkUrlAddress(guard, 'https://mixed.test/hook', asker)).toBe('fd00::7');
  });

  it('accepts a name that does not resolve', async () => {
    lookup.mockImplementation((_host, _options, answer) => answer(new Error('ENOTFOUND'), []));
    expect(await checkUrlAddress(guard, 'https://not-yet.test/', asker)).toBeNull();
  });

  it('accepts a name whose resolver does not answer within 3 seconds', async () => {
    vi.useFakeTimers();
    let late: Answer = () => undefined;
    lookup.mockImplementation((_host, _options, answer) => {
      late = answer;
    });
    const checked = checkUrlAddress(guard, 'https://slow.test/', asker);
    await vi.advanceTimersByTimeAsync(3000);
    expect(await checked).toBeNull();
    late(null, [ipv4('10.0.0.1')]);
  });
});

describe('the vetted addresses of a name', () => {
  const ask = () => resolveVetted(guard, 'host.test', asker);

  it('are all its addresses when each is allowed', async () => {
    const addresses = [ipv6('2606:4700::1'), ipv4('8.8.8.8')];
    lookup.mockImplementation((_host, _options, answer) => answer(null, addresses));
    expect(await ask()).toEqual(addresses);
  });

  it('are none when any of them is forbidden', async () => {
    lookup.mockImplementation((_host, _options, answer) => answer(null, [ipv4('8.8.8.8'), ipv4('10.0.0.1')]));
    await expect(ask()).rejects.toThrow(AddressBlockedError);
    await expect(ask()).rejects.toMatchObject({
      address: '10.0.0.1',
      message: expect.stringContaining('host.test') as string,
    });
  });

  it('are an error when there is no address at all', async () => {
    lookup.mockImplementation((_host, _options, answer) => answer(null, []));
    await expect(ask()).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('come from one look-up for concurrent requests, and from a new one later', async () => {
    lookup.mockImplementation((_host, _options, answer) => setImmediate(answer, null, [ipv4('8.8.8.8')]));
    await Promise.all(Array.from({ length: 20 }, ask));
    expect(lookup).toHaveBeenCalledTimes(1);
    await ask();
    expect(lookup).toHaveBeenCalledTimes(2);
  });
});
