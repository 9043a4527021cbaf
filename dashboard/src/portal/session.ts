import { api, authorizeBy, data } from '../api/client';
import { ApiError } from '../api/problem';
import type { components } from '../api/schema';
import { readStored, store } from './stored-session';

export type PortalSession = components['schemas']['PortalSession'];

export interface Open {
  is: 'open';
  session: PortalSession;
}

export type WhyClosed =
  | 'no_link'
  | 'link_used'
  | 'link_expired'
  | 'link_revoked'
  | 'unauthorized'
  | 'unreachable'
  | 'ended'
  | 'signed_out';

export interface Closed {
  is: 'closed';
  why: WhyClosed;
  returnUrl: string | null;
}

export const closed = (why: WhyClosed, returnUrl: string | null = null): Closed => ({
  is: 'closed',
  why,
  returnUrl,
});

/** Redeems the code of a link; without one, or with the one that gave the stored token, goes on with its session. */
export async function openSession(code: string | null): Promise<Open | Closed> {
  const stored = readStored();
  try {
    if (stored && (code === null || code === stored.code)) return await resume(stored.token);
    return code === null ? closed('no_link') : await redeem(code);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 401) return closed('unreachable');
    if (stored && (code === null || code === stored.code)) return end('ended');
    return closed((error.problem?.code ?? 'unauthorized') as WhyClosed);
  }
}

async function redeem(code: string): Promise<Open> {
  const { token, ...session } = await data(
    api.POST('/v1/portal-sessions/redeem', { body: { code }, credentials: 'omit' }),
  );
  store({ code, token });
  authorizeBy(token);
  return { is: 'open', session };
}

async function resume(token: string): Promise<Open> {
  authorizeBy(token);
  return { is: 'open', session: await data(api.GET('/v1/portal-sessions/current')) };
}

/** Forgets the token. */
export function end(why: WhyClosed, returnUrl: string | null = null): Closed {
  store(null);
  return closed(why, returnUrl);
}
