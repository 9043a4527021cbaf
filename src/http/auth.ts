import { hash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Actor } from '../db/audit.js';
import { Problem } from './problem.js';

export const ROLES = ['admin', 'operator', 'publisher', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

/** The owner of an API key. */
export interface Identity {
  /** For the audit. */
  name: string;
  role: Role;
}

/** The role that a route needs; `any`: every API key may call it. */
export type NeededRole = Role | 'any';

/** The roles that include each needed one. */
export const HOLDERS: Record<NeededRole, readonly Role[]> = {
  admin: ['admin'],
  operator: ['admin', 'operator'],
  publisher: ['admin', 'publisher'],
  viewer: ['admin', 'operator', 'viewer'],
  any: ROLES,
};

export interface Auth {
  /** The owner of the key in an `Authorization` header. Throws a 401 Problem unless the key is known. */
  identify(authorization: string | undefined): Identity;
}

const ADMIN: Identity = { name: 'admin', role: 'admin' };

const digest = (text: string) => hash('sha256', text, 'buffer');

export function createAuth(adminKey: string): Auth {
  const expected = digest(adminKey);
  return {
    identify: (authorization = '') => {
      const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1];
      if (key === undefined || !timingSafeEqual(digest(key), expected)) {
        const detail =
          key === undefined
            ? 'Send the API key as "Authorization: Bearer <key>".'
            : 'This API key is not known.';
        throw new Problem(401, 'unauthorized', detail, [{ path: 'Authorization', message: detail }], {
          'www-authenticate': 'Bearer',
        });
      }
      return ADMIN;
    },
  };
}

/** Rejects requests without a known key, before anything else of the request is read. */
export const authenticate =
  ({ identify }: Auth): RequestHandler =>
  (request, response, next) => {
    const identity = identify(request.headers.authorization);
    const requestId = String(response.getHeader('x-request-id'));
    response.locals.identity = identity;
    response.locals.actor = { name: identity.name, requestId } satisfies Actor;
    next();
  };

export const identityOf = (response: Response): Identity => response.locals.identity as Identity;

/** The authenticated actor with its request, for the audit. */
export const actorOf = (response: Response): Actor => response.locals.actor as Actor;

/** Throws a 403 Problem unless the identity has the role. */
export function requireRole({ name, role }: Identity, needed: NeededRole): void {
  if (HOLDERS[needed].includes(role)) return;
  const roles = HOLDERS[needed].join(' or ');
  throw new Problem(403, 'forbidden', `The API key ${name} has the role ${role}; this needs ${roles}.`);
}
