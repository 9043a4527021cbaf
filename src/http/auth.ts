import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler, Response } from 'express';
import type { Actor } from '../db/audit.js';
import type { StoredApiKey } from '../db/api-keys.js';
import { HOLDERS, type NeededRole, type Role } from '../domain/role.js';
import type { ApiKeyCache } from './api-key-cache.js';
import { Problem } from './problem.js';
import type { RateLimits } from './rate-limits.js';

/** The owner of an API key. */
export interface Identity {
  /** For the audit: that of the key; `admin`: the key of the configuration. */
  id: string;
  name: string;
  role: Role;
  /** The only tenant that it sees; null: all of them. */
  tenant: string | null;
}

export interface Auth {
  /**
   * The owner of the key in a request: at once where the key is known in memory. Throws or rejects with a 401 Problem
   * unless the key is valid, and with a 429 Problem where the key, or the address, has used up its requests.
   */
  identify(request: IncomingMessage, response: ServerResponse): Identity | Promise<Identity>;
}

const ADMIN: Identity = { id: 'admin', name: 'admin', role: 'admin', tenant: null };

/** SHA-256 in hex: the form in which keys are stored and compared. */
export const keyHash = (key: string): string => hash('sha256', key);

export function createAuth(
  adminKey: string,
  keys: ApiKeyCache,
  limits: RateLimits,
  /** Called with the id of each key that is used. */
  used: (keyId: string) => void,
): Auth {
  const adminHash = Buffer.from(keyHash(adminKey));

  function admit(key: StoredApiKey, response: ServerResponse): Identity {
    // First, since an expired key is revoked when a new one takes its name.
    if (key.expires_at && key.expires_at.getTime() <= Date.now())
      throw unauthorized('This API key has expired.');
    if (key.revoked_at) throw unauthorized('This API key was revoked.');
    limits.takeRequest(key, response);
    used(key.id);
    return key;
  }

  /** A valid key is never refused for others from its address: it may be that of a proxy. */
  function admitFound(key: StoredApiKey | null, request: IncomingMessage, response: ServerResponse) {
    if (key) return admit(key, response);
    limits.takeFailure(request);
    throw unauthorized('This API key is not known.');
  }

  return {
    identify(request, response) {
      const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
      if (given === undefined) throw unauthorized('Send the API key as "Authorization: Bearer <key>".');
      const hash = keyHash(given);
      if (timingSafeEqual(Buffer.from(hash), adminHash)) return ADMIN;
      const found = keys.get(hash);
      return found instanceof Promise
        ? found.then((key) => admitFound(key, request, response))
        : admitFound(found, request, response);
    },
  };
}

function unauthorized(detail: string): Problem {
  const errors = [{ path: 'Authorization', message: detail }];
  return new Problem(401, 'unauthorized', detail, errors, { 'www-authenticate': 'Bearer' });
}

/** Rejects requests without a valid key, before anything else of the request is read. */
export const authenticate =
  ({ identify }: Auth): RequestHandler =>
  async (request, response, next) => {
    const identity = await identify(request, response);
    const requestId = String(response.getHeader('x-request-id'));
    response.locals.identity = identity;
    response.locals.actor = { name: identity.id, requestId } satisfies Actor;
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
