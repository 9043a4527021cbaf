import { createContext, use } from 'react';
import type { PortalSession, WhyClosed } from './session';

/** Ends a session in the page, if it is still the one that is shown. */
export type Close = (session: PortalSession, why: WhyClosed) => void;

interface OpenedPortal {
  session: PortalSession;
  close: Close;
}

export const PortalContext = createContext<OpenedPortal | null>(null);

/** The session of the customer who looks at the page. */
export function usePortal(): OpenedPortal {
  const portal = use(PortalContext);
  if (portal === null) throw new Error('usePortal is for the pages of the portal.');
  return portal;
}
