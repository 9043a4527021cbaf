import { createContext, use } from 'react';
import { SessionContext } from '../app/session';
import { canOperate } from './session';

/** The actions that buttons and forms of a page offer; the server decides. */
export interface Can {
  /** Make, change and delete endpoints; read and rotate their secrets. */
  changeEndpoints: boolean;
  /** Pause, resume, enable, disable and test endpoints. */
  operateEndpoints: boolean;
  /** Retry deliveries, and run replay batches. */
  replay: boolean;
}

/** Null: the operator's dashboard. Else the customer portal, and what the scopes of its session allow. */
export const PortalCan = createContext<Can | null>(null);

/** The name in the titles of pages. */
export const useSite = (): string => (useIsPortal() ? 'Webhooks' : 'Surehook');

/** Whether the component is shown to a customer, who knows neither tenants nor workflows. */
export const useIsPortal = (): boolean => use(PortalCan) !== null;

export function useCan(): Can {
  const portal = use(PortalCan);
  const session = use(SessionContext);
  if (portal) return portal;
  const operates = session !== null && canOperate(session);
  return { changeEndpoints: session?.role === 'admin', operateEndpoints: operates, replay: operates };
}
