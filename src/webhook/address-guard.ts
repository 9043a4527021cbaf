import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { resolve, type Asker } from './resolve.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** Decides which addresses a request may go to, so that no webhook reaches our own network. */
export interface AddressGuard {
  isForbidden(address: string): boolean;
  allowsPort(port: number): boolean;
  /** Tells the operator alone: a tenant must not learn which internal address a name has. */
  note(host: string, address: string): void;
}

export class AddressBlockedError extends Error {
  constructor(
    readonly address: string,
    host: string,
  ) {
    super(
      address === host
        ? `The address ${address} is not allowed.`
        : `The name ${host} leads to an address that is not allowed.`,
    );
  }
}

export class PortBlockedError extends Error {
  constructor(port: number) {
    super(`The port ${port} is not allowed.`);
  }
}

const RESOLVE_TIMEOUT_MS = 3000;

/** The IPv6 range assigned to the public internet; translated, mapped and site-local forms lie outside. */
const GLOBAL_IPV6: Network = [ipaddr.parse('2000::'), 3];
/** Azure's wire server: it hands virtual machines their secrets, from an address in a public range. */
const AZURE_WIRE_SERVER = '168.63.129.16';

export function createAddressGuard(
  allowNetworks: string[],
  note: AddressGuard['note'] = () => {},
  /** Null: every port. */
  allowPorts: number[] | null = null,
): AddressGuard {
  const allowed = allowNetworks.map(parseNetwork);
  return {
    note,
    allowsPort: (port) => allowPorts?.includes(port) ?? true,
    isForbidden(text) {
      const address = parseAddress(text);
      if (!address) return true;
      return !allowed.some((network) => isWithin(address, network)) && !isPublic(address);
    },
  };
}

/** The port that a request to an http or https URL goes to. */
export const portOf = ({ port, protocol }: URL): number => Number(port) || (protocol === 'https:' ? 443 : 80);

/** The forbidden address that a URL's host is or resolves to; null if there is none or the name does not resolve. */
export async function checkUrlAddress(
  guard: AddressGuard,
  url: string,
  asker: Asker,
): Promise<string | null> {
  if (!URL.canParse(url)) return null;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (isIP(host)) return guard.isForbidden(host) ? host : null;
  return forbiddenOf(guard, host, await resolveInTime(host, asker));
}

/**
 * The addresses of a name; throws AddressBlockedError where one is forbidden. A socket connects to exactly these, so
 * that DNS rebinding gains nothing.
 */
export async function resolveVetted(
  guard: AddressGuard,
  host: string,
  asker: Asker,
): Promise<LookupAddress[]> {
  const found = await resolve(host, asker);
  const forbidden = forbiddenOf(guard, host, found);
  if (forbidden) throw new AddressBlockedError(forbidden, host);
  if (found.length === 0) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
  return found;
}

function forbiddenOf(guard: AddressGuard, host: string, found: LookupAddress[]): string | null {
  const forbidden = found.find(({ address }) => guard.isForbidden(address));
  if (!forbidden) return null;
  guard.note(host, forbidden.address);
  return forbidden.address;
}

async function resolveInTime(host: string, asker: Asker): Promise<LookupAddress[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<LookupAddress[]>((done) => {
    timer = setTimeout(done, RESOLVE_TIMEOUT_MS, []);
  });
  try {
    return await Promise.race([resolve(host, asker).catch(() => []), late]);
  } finally {
    clearTimeout(timer);
  }
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4'
    ? address.toString() !== AZURE_WIRE_SERVER
    : isWithin(address, GLOBAL_IPV6);
}

/** Returns an IPv4-mapped IPv6 address as its IPv4 address, and ignores a zone id. */
function parseAddress(text: string): Address | null {
  return isIP(text) ? ipaddr.process(plainSpelling(text)) : null;
}

/** ipaddr.js reads the deprecated `::8.8.8.8` as the mapped `::ffff:8.8.8.8`: give it hexadecimal groups only. */
function plainSpelling(address: string): string {
  if (!address.includes(':')) return address;
  return new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1);
}

export function isNetwork(cidr: string): boolean {
  return readNetwork(cidr) !== null;
}

function parseNetwork(cidr: string): Network {
  const network = readNetwork(cidr);
  if (network) return network;
  throw new Error(`"${cidr}" is not a network in CIDR notation, such as 10.0.0.0/8 or fd00::/8.`);
}

function readNetwork(cidr: string): Network | null {
  const [, address = '', digits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(cidr.trim()) ?? [];
  const prefix = Number(digits);
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  if (bits === undefined || prefix > bits) return null;
  const parsed = ipaddr.parse(plainSpelling(address));
  const mapped = prefix >= 96 && parsed.range() === 'ipv4Mapped';
  return mapped ? [ipaddr.process(plainSpelling(address)), prefix - 96] : [parsed, prefix];
}

function isWithin(address: Address, [network, prefix]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, prefix);
}
