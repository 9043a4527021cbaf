import type { Identity } from './auth.js';
import { Problem } from './problem.js';

/** The tenant of something to be created: that of the key, else the given one, else `default`. */
export const tenantFor = (identity: Identity, named: string | undefined, path = 'tenant'): string =>
  seenTenant(identity, named, path) ?? 'default';

/** The tenant that a selection is limited to: that of the key, else the given one. */
export function seenTenant(
  { name, tenant }: Identity,
  named: string | null | undefined,
  path = 'tenant',
): string | undefined {
  if (tenant === null) return named ?? undefined;
  if ((named ?? tenant) === tenant) return tenant;
  const message = `The API key ${name} sees the tenant ${tenant} only.`;
  throw new Problem(403, 'foreign_tenant', `${path}: ${message}`, [{ path, message }]);
}

/** Throws a 403 Problem where the key is bound to a tenant. */
export function requireAboveTenants({ name, tenant }: Identity): void {
  if (tenant === null) return;
  throw new Problem(
    403,
    'forbidden',
    `The API key ${name} is bound to the tenant ${tenant}; this is above tenants.`,
  );
}
