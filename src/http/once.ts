import { hash } from 'node:crypto';
import type { KeyedDigest } from '../db/keyed-digest.js';
import { findKey, oncePerKey, type KnownKey, type RequestKey } from '../db/request-keys.js';
import type { Db, Pool } from '../db/pool.js';
import { canonicalJson } from '../domain/canonical-json.js';
import { Problem } from './problem.js';

/** The Idempotency-Key of a request that creates something, with the hash of `about`; null without a key. */
export function requestKey(
  key: string | undefined,
  { tenant = '', route, about }: { tenant?: string; route: string; about: unknown },
): RequestKey | null {
  return key === undefined ? null : { tenant, route, key, requestHash: hash('sha256', canonicalJson(about)) };
}

/** The same for a request that may hold credentials. */
export async function confidentialKey(
  keyedDigest: KeyedDigest,
  key: string | undefined,
  { about, ...of }: { tenant: string; route: string; about: unknown },
): Promise<RequestKey | null> {
  return key === undefined
    ? null
    : requestKey(key, { ...of, about: await keyedDigest(canonicalJson(about)) });
}

/** The id that the key was answered with before, or null if it is free. Throws a 409 Problem if the request differs. */
export async function answeredBefore(pool: Pool, key: RequestKey | null): Promise<string | null> {
  const known = key && (await findKey(pool, key));
  return known && idOf(known, 'Idempotency-Key');
}

/** Runs `make` in one transaction with the key, or returns the id of what an earlier request with this key made. */
export async function createOnce<T>(
  pool: Pool,
  key: RequestKey | null,
  make: (db: Db) => Promise<T>,
  madeId: (made: T) => string | null,
): Promise<{ made: T } | { knownId: string }> {
  const result = await oncePerKey(pool, key, make, madeId);
  return result.kind === 'made' ? { made: result.made } : { knownId: idOf(result, 'Idempotency-Key') };
}

export function keyConflict(path: string): Problem {
  const message = 'This key was used for another request within its 72 hours.';
  return new Problem(409, 'idempotency_conflict', message, [{ path, message }]);
}

/** The answer to a repeated request whose object is gone. */
export function deletedSince(what: string, id: string): Problem {
  const message = `The ${what} ${id} was made with this key and has been deleted since. Use another key.`;
  return new Problem(409, 'idempotency_conflict', message, [{ path: 'Idempotency-Key', message }]);
}

function idOf(known: KnownKey, path: string): string {
  if (known.kind === 'conflict') throw keyConflict(path);
  return known.id;
}
