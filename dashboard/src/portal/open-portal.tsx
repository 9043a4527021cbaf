import { useMemo, useState } from 'react';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { PortalCan } from '../api/api-context';
import { createQueryClient } from '../api/query-client';
import { createPortalRouter } from './router';
import type { Open } from './session';
import { PortalContext, type Close } from './use-portal';

/** The pages of one session: its own client of the API, with its own cache. */
export function OpenPortal({ session, close }: Open & { close: Close }) {
  const [queryClient] = useState(() => createQueryClient(() => close(session, 'ended')));
  const [router] = useState(createPortalRouter);
  const { scopes } = session;
  const can = useMemo(() => {
    const endpoints = scopes.includes('endpoints');
    return { changeEndpoints: endpoints, operateEndpoints: endpoints, replay: scopes.includes('replay') };
  }, [scopes]);
  const portal = useMemo(() => ({ session, close }), [session, close]);
  return (
    <QueryClientProvider client={queryClient}>
      <PortalCan value={can}>
        <PortalContext value={portal}>
          <RouterProvider router={router} />
        </PortalContext>
      </PortalCan>
    </QueryClientProvider>
  );
}
