import { createContext, use } from 'react';
import type { Session } from '../api/session';

export const SessionContext = createContext<Session | null>(null);

/** The session that is signed in. Only below the layout. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (session === null) throw new Error('useSession is for pages behind the sign-in.');
  return session;
}
