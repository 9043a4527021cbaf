import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestHandler, Response } from 'express';
import type { Actor } from '../db/audit.js';
import type { Credential } from '../db/api-keys.js';
import { HOLDERS, type NeededRole, type NeededScope, type PortalScope, type Role } from '../domain/role.js';
import type { ApiKeyCache } from './api-key-cache.js';
import { Problem, type FieldError } from './problem.js';
import type { ProblemCode } from './problem-codes.js';
import type { RateLimits } from './rate-limits.js';

/** The owner of an API key, or of the token of a portal session. */
export interface Identity {
  /** For the audit: that of the key; `admin`: the key of the configuration; `portal:pos_…`: a portal session. */
  id: string;
  name: string;
  role: Role | 'portal';
  /** The scopes of a portal session; empty for an API key. */
  scopes: readonly PortalScope[];
  /** The only tenant that it sees; null: all of them. */
  tenant: string | null;
  /** Null: it does not expire. */
  expires_at: Date | null;
}

export interface Auth {
  /**
   * The owner of the key in a request: at once where the key is known in memory. Throws or rejects with a 401 Problem
   * unless the key is valid, and with a 429 Problem where the key, or the address, has used up its requests.
   */
  identify(request: IncomingMessage, response: ServerResponse): Identity | Promise<Identity>;
  /** Whether the key of a request that was let in is valid still. Uses up none of its requests. */
  isValid(request: IncomingMessage): Promise<boolean>;
  /** Counts a wrong credential of the address of a request. Throws a 429 Problem where there were too many. */
  countFailure(request: IncomingMessage): void;
}

/** Authentication by API keys, also by the hash of a key that a request does not send as one. */
export interface KeyAuth extends Auth {
  /** Uses up a request of the key, as `identify` does. */
  identifyHash(hash: string, response: ServerResponse, on: OnFault): Identity | Promise<Identity>;
  isValidHash(hash: string): Promise<boolean>;
}

interface OnFault {
  /** The error where there is no such key. */
  unknown(): Error;
  /** Where the request has the key. */
  path?: string;
}

const ADMIN: Identity = {
  id: 'admin',
  name: 'admin',
  role: 'admin',
  scopes: [],
  tenant: null,
  expires_at: null,
};

/** The prefix lets scanners for secrets find a credential that got into a repository. */
type CredentialPrefix = 'shk' | 'shc' | 'shs';
const CREDENTIAL_BYTES = 32;

export const newCredential = (prefix: CredentialPrefix): string =>
  `${prefix}_${randomBytes(CREDENTIAL_BYTES).toString('base64url')}`;

/** SHA-256 in hex: the form in which keys are stored and compared. */
export const keyHash = (key: string): string => hash('sha256', key);

export function createAuth(
  adminKey: string,
  keys: ApiKeyCache,
  limits: RateLimits,
  /** Called with the id of each key that is used. */
  used: (keyId: string) => void,
): KeyAuth {
  const adminHash = Buffer.from(keyHash(adminKey));
  const isAdmin = (hash: string) => timingSafeEqual(Buffer.from(hash), adminHash);

  function admit(key: Credential, response: ServerResponse): Identity {
    limits.takeRequest(key, response);
    used(key.id);
    return ownerOfKey(key);
  }

  /** A valid key is never refused for others from its address: it may be that of a proxy. */
  function requireValid(key: Credential | null, { unknown, path }: OnFault): Credential {
    if (key === null) throw unknown();
    const fault = faultOf(key);
    if (fault !== null) throw unauthorized(fault, path);
    return key;
  }

  const auth: KeyAuth = {
    countFailure: limits.takeFailure,
    async isValid(request) {
      const hash = hashIn(request);
      return hash !== null && auth.isValidHash(hash);
    },
    async isValidHash(hash) {
      if (isAdmin(hash)) return true;
      const key = await keys.get(hash);
      return key !== null && faultOf(key) === null;
    },
    identify(request, response) {
      const hash = hashIn(request);
      if (hash === null) throw unauthorized('Send the API key as "Authorization: Bearer <key>".');
      const unknown = () => unknownKey(() => limits.takeFailure(request));
      return auth.identifyHash(hash, response, { unknown });
    },
    identifyHash(hash, response, on) {
      if (isAdmin(hash)) return ADMIN;
      const found = keys.get(hash);
      return found instanceof Promise
        ? found.then((key) => admit(requireValid(key, on), response))
        : admit(requireValid(found, on), response);
    },
  };
  return auth;
}

const ownerOfKey = (key: Credential): Identity => (key.role === 'portal' ? { ...key, id: key.name } : key);

/** Whether a request has an API key, or tries to. A proxy may add credentials of another scheme. */
export const hasKey = ({ headers }: IncomingMessage): boolean =>
  /^Bearer\b/i.test(headers.authorization ?? '');

/** The hash of the key in a request; null: there is none. */
function hashIn({ headers }: IncomingMessage): string | null {
  const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return given === undefined ? null : keyHash(given);
}

/** Why a known key is not valid any more; null: it is. */
function faultOf({ role, revoked_at, endsAt }: Credential): string | null {
  const what = role === 'portal' ? 'portal session' : 'API key';
  // First, since an expired key is revoked when a new one takes its name.
  if (endsAt <= performance.now()) return `This ${what} has expired.`;
  if (revoked_at) return `This ${what} was revoked.`;
  return null;
}

/** Counts it as a wrong credential. */
export function unknownKey(countFailure: () => void, path?: string): Problem {
  countFailure();
  return unauthorized('This API key is not known.', path);
}

export const unauthorized = (detail: string, path = 'Authorization'): Problem =>
  refused('unauthorized', detail, [{ path, message: detail }]);

/** A 401 must say how to authenticate (RFC 9110 section 15.5.2). */
export const refused = (code: ProblemCode, detail: string, errors: FieldError[]): Problem =>
  new Problem(401, code, detail, errors, { 'www-authenticate': 'Bearer' });

/** Rejects requests without a valid key, before anything else of the request is read. */
export const authenticate =
  ({ identify, isValid }: Auth): RequestHandler =>
  async (request, response, next) => {
    const identity = await identify(request, response);
    const requestId = String(response.getHeader('x-request-id'));
    response.locals.identity = identity;
    response.locals.isValid = () => isValid(request);
    response.locals.actor = { name: identity.id, requestId } satisfies Actor;
    next();
  };

export const identityOf = (response: Response): Identity => response.locals.identity as Identity;

/** The authenticated actor with its request, for the audit. */
export const actorOf = (response: Response): Actor => response.locals.actor as Actor;

/** For messages. */
export const holderOf = ({ name, role }: Identity): string =>
  role === 'portal' ? `The session ${name}` : `The API key ${name}`;

/** The needs of a request: an API key with the role, or a portal session with the scope, if there is one. */
export interface Needed {
  role: NeededRole;
  portal?: NeededScope | undefined;
}

/** Throws a 403 Problem unless the identity has the role, or the scope. */
export function requireAccess(identity: Identity, { role: needed, portal }: Needed): void {
  const { role, scopes } = identity;
  if (role === 'portal') {
    if (portal === undefined) throw forbidden(identity, 'is of a portal, which cannot do this');
    if (portal === 'any' || scopes.includes(portal)) return;
    throw forbidden(identity, `has the scopes ${scopes.join(', ')}; this needs ${portal}`);
  }
  if (HOLDERS[needed].includes(role)) return;
  if (needed === 'session') throw forbidden(identity, 'is no portal session, and this is about one');
  throw forbidden(identity, `has the role ${role}; this needs ${HOLDERS[needed].join(' or ')}`);
}

export const forbidden = (identity: Identity, why: string, errors: FieldError[] = []) =>
  new Problem(403, 'forbidden', `${holderOf(identity)} ${why}.`, errors);
