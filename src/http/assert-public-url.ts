import { badField } from './problem.js';
import { checkUrlAddress, type AddressGuard } from '../webhook/address-guard.js';

/** 422 where a URL's host is or resolves to a forbidden address. A name that does not resolve yet is fine. */
export async function assertPublicUrl(guard: AddressGuard, url: string, tenant: string): Promise<void> {
  if (!(await checkUrlAddress(guard, url, { tenant }))) return;
  throw badField('url', 'Its host is or resolves to a forbidden address.', 422, 'address_blocked');
}
