import { createAddressGuard, type AddressGuard } from '../webhook/address-guard.js';
import { createSender, type Sender } from '../webhook/send.js';
import { parseProxy } from '../webhook/tunnel.js';
import type { ServiceOptions } from './service-options.js';

/** The way out to receivers. */
export function createWire(options: ServiceOptions): { guard: AddressGuard; sender: Sender } {
  const { allowNetworks, allowPorts = null, ca, log } = options;
  const note: AddressGuard['note'] = (host, address) =>
    log.warn({ host, address }, 'a name leads to a forbidden address');
  const guard = createAddressGuard(allowNetworks, note, allowPorts);
  const proxy = options.proxy ? parseProxy(options.proxy) : null;
  return { guard, sender: createSender({ guard, proxy, ...(ca ? { ca } : {}) }) };
}
