/** Roles of API keys. */
export const ROLES = ['admin', 'operator', 'publisher', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** The role that a request needs; `any`: every API key may make it. */
export type NeededRole = Role | 'any';

/** The roles that include each needed one. */
export const HOLDERS: Record<NeededRole, readonly Role[]> = {
  admin: ['admin'],
  operator: ['admin', 'operator'],
  publisher: ['admin', 'publisher'],
  viewer: ['admin', 'operator', 'viewer'],
  any: ROLES,
};
