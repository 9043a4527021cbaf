import { hash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { Problem } from './problem.js';

export type Role = 'admin' | 'operator' | 'publisher' | 'viewer';

export interface Auth {
  /** Whose key an `Authorization` header carries, for the audit; throws a Problem where the key is not known. */
  identify(authorization: string | undefined): string;
  /** Throws a Problem unless the actor may do what the role may: today there is the admin key alone, which may do everything. */
  allow(actor: string, role: Role): void;
  /** The same, of who was let through. */
  authorize(role: Role): RequestHandler;
}

const digest = (text: string) => hash('sha256', text, 'buffer');

export function createAuth(adminKey: string): Auth {
  const expected = digest(adminKey);
  const allow: Auth['allow'] = () => {};
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
      return 'admin';
    },
    allow,
    authorize: (role) => (_request, response, next) => {
      allow(actorOf(response), role);
      next();
    },
  };
}

/** Lets through who has a key that is known, before anything else of the request is read. */
export const authenticate =
  ({ identify }: Pick<Auth, 'identify'>): RequestHandler =>
  (request, response, next) => {
    response.locals.actor = identify(request.headers.authorization);
    next();
  };

/** Who makes a request that was let through, for the audit. */
export const actorOf = (response: Response): string => String(response.locals.actor);
