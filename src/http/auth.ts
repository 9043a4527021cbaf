import { hash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Actor } from '../db/audit.js';
import { Problem } from './problem.js';

export type Role = 'admin' | 'operator' | 'publisher' | 'viewer';

export interface Auth {
  /** The owner of the key in an `Authorization` header, for the audit. Throws a 401 Problem unless the key is known. */
  identify(authorization: string | undefined): string;
  /** Throws a Problem unless the actor has the role. Today only the admin key exists, and it has every role. */
  allow(actor: string, role: Role): void;
  /** Calls `allow` for the actor that `authenticate` found. */
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
      allow(nameOf(response), role);
      next();
    },
  };
}

/** Rejects requests without a known key, before anything else of the request is read. */
export const authenticate =
  ({ identify }: Pick<Auth, 'identify'>): RequestHandler =>
  (request, response, next) => {
    response.locals.actor = identify(request.headers.authorization);
    next();
  };

const nameOf = (response: Response): string => String(response.locals.actor);

/** The authenticated actor with its request, for the audit. */
export const actorOf = (response: Response): Actor => ({
  name: nameOf(response),
  requestId: String(response.getHeader('x-request-id')),
});
