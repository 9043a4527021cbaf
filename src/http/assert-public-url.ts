import { badField } from './problem.js';
import { checkUrlAddress, type AddressGuard } from '../webhook/address-guard.js';

/** Throws a 422 Problem if the host is or resolves to a forbidden address. A name that does not resolve yet passes. */
export async function assertPublicUrl(guard: AddressGuard, url: string, tenant: string): Promise<void> {
  if (!(await checkUrlAddress(guard, url, { tenant }))) return;
  throw badField('url', 'Its host is or resolves to a forbidden address.', 422, 'address_blocked');
}
