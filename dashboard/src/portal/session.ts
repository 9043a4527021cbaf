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

let openings = 0;

/**
 * Redeems the code of a link; without one, or with the one that gave the stored token, goes on with its session. Null: a newer
 * opening has begun meanwhile, whose session is the one of the page.
 */
export async function openSession(code: string | null): Promise<Open | Closed | null> {
  const own = (openings += 1);
  const isNewest = () => own === openings;
  // From the first request on, the page never uses the cookie of an operator.
  authorizeBy(null);
  const stored = readStored();
  const isStored = stored !== null && (code === null || code === stored.code);
  try {
    if (!isStored && code === null) return closed('no_link');
    const opened = isStored ? await resume(stored.token) : await redeem(code!, isNewest);
    return isNewest() ? opened : null;
  } catch (error) {
    if (!isNewest()) return null;
    // A fault of the page or of a proxy's answer: the console has it.
    if (!(error instanceof ApiError)) reportError(error);
    if (!(error instanceof ApiError) || error.status !== 401) return closed('unreachable');
    return isStored ? end('ended') : closed((error.problem?.code ?? 'unauthorized') as WhyClosed);
  }
}

async function redeem(code: string, isNewest: () => boolean): Promise<Open> {
  const { token, ...session } = await data(api.POST('/v1/portal-sessions/redeem', { body: { code } }));
  if (isNewest()) {
    store({ code, token });
    authorizeBy(token);
  }
  return { is: 'open', session };
}

async function resume(token: string): Promise<Open> {
  authorizeBy(token);
  return { is: 'open', session: await data(api.GET('/v1/portal-sessions/current')) };
}

/** Forgets the token. */
export function end(why: WhyClosed, returnUrl: string | null = null): Closed {
  store(null);
  authorizeBy(null);
  return closed(why, returnUrl);
}
