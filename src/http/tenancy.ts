import { holderOf, type Identity } from './auth.js';
import { Problem } from './problem.js';

/** The tenant of something to be created: that of the key, else the given one, else `default`. */
export const tenantFor = (identity: Identity, named: string | undefined, path = 'tenant'): string =>
  seenTenant(identity, named, path) ?? 'default';

/** The tenant that a selection is limited to: that of the key, else the given one. */
export function seenTenant(
  identity: Identity,
  named: string | null | undefined,
  path = 'tenant',
): string | undefined {
  const { tenant } = identity;
  if (tenant === null) return named ?? undefined;
  if ((named ?? tenant) === tenant) return tenant;
  const message = `${holderOf(identity)} sees the tenant ${tenant} only.`;
  throw new Problem(403, 'foreign_tenant', `${path}: ${message}`, [{ path, message }]);
}

/** Throws a 403 Problem where the key is bound to a tenant. */
export function requireAboveTenants(identity: Identity): void {
  const { tenant } = identity;
  if (tenant === null) return;
  throw new Problem(
    403,
    'forbidden',
    `${holderOf(identity)} is bound to the tenant ${tenant}; this is above tenants.`,
  );
}
