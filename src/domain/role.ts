/** Roles of API keys. */
export const ROLES = ['admin', 'operator', 'publisher', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** The role that a request needs; `any`: every API key may make it; `session`: none, only portal sessions may. */
export type NeededRole = Role | 'any' | 'session';

/** The roles that include each needed one. */
export const HOLDERS: Record<NeededRole, readonly Role[]> = {
  admin: ['admin'],
  operator: ['admin', 'operator'],
  publisher: ['admin', 'publisher'],
  viewer: ['admin', 'operator', 'viewer'],
  any: ROLES,
  session: [],
};

/** Scopes of portal sessions; none includes another. */
export const PORTAL_SCOPES = ['read', 'endpoints', 'replay'] as const;
export type PortalScope = (typeof PORTAL_SCOPES)[number];
/** The scope that a request needs; `any`: every portal session may make it. */
export type NeededScope = PortalScope | 'any';
