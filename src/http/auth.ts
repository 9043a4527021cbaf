import { createHash, timingSafeEqual } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { Problem } from '../errors.js';

export type Role = 'admin' | 'operator' | 'publisher' | 'viewer';
export type Authorize = (role: Role) => RequestHandler;

const digest = (text: string) => createHash('sha256').update(text).digest();

/** The one seam for who may do what: today the admin key may do everything, and there is no other. */
export function createAuthorize(adminKey: string): Authorize {
  const expected = digest(adminKey);
  return () => (request, response, next) => {
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
  };
}

/** Who makes a request that was let through, for the audit. */
export const actorOf = (response: Response): string => String(response.locals.actor);
