import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { Problem } from '../errors.js';

export type Role = 'admin' | 'operator' | 'publisher' | 'viewer';

export interface Auth {
  /** Lets through who has a key that is known, before anything else of the request is read. */
  authenticate: RequestHandler;
  /** Lets through who may do what the role may: today the admin key may do everything, and there is no other. */
  authorize(role: Role): RequestHandler;
}

const digest = (text: string) => createHash('sha256').update(text).digest();

export function createAuth(adminKey: string): Auth {
  const expected = digest(adminKey);
  return {
    authenticate: (request, response, next) => {
      const key = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      if (key === undefined || !timingSafeEqual(digest(key), expected)) {
        const detail =
          key === undefined
            ? 'Send the API key as "Authorization: Bearer <key>".'
            : 'This API key is not known.';
        throw new Problem(401, 'unauthorized', detail, [{ path: 'Authorization', message: detail }], {
          'www-authenticate': 'Bearer',
        });
      }
      response.locals.actor = 'admin';
      next();
    },
    authorize: () => (_request, _response, next) => next(),
  };
}

/** Who makes a request that was let through, for the audit. */
export const actorOf = (response: Response): string => String(response.locals.actor);
