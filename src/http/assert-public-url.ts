import { checkUrlAddress, portOf, type AddressGuard } from '../webhook/address-guard.js';
import { badField } from './problem.js';

/**
 * Throws a 422 Problem if the port is not allowed, or the host is or resolves to a forbidden address. A name that does not
 * resolve yet passes.
 */
export async function assertPublicUrl(guard: AddressGuard, url: string, tenant: string): Promise<void> {
  const port = portOf(new URL(url));
  if (!guard.allowsPort(port))
    throw badField('url', `Its port ${port} is not one that requests may go to.`, 422, 'port_blocked');
  if (!(await checkUrlAddress(guard, url, { tenant }))) return;
  throw badField('url', 'Its host is or resolves to a forbidden address.', 422, 'address_blocked');
}
