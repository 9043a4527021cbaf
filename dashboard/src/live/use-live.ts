import { useCallback, useSyncExternalStore } from 'react';
import { readNewest } from '../api/overview';
import { queryClient } from '../api/query-client';
import { sessionQuery } from '../api/session';
import { useViewedTenant } from '../app/view-as';
import { createLiveStream } from './live-stream';
import type { LiveState } from './live-state';

const stream = createLiveStream(readNewest, {
  id: () => queryClient.getQueryData(sessionQuery.queryKey)?.expires_at,
  // Where it is not, its query becomes null, and the layout shows the sign-in.
  isOpen: () =>
    queryClient.fetchQuery({ ...sessionQuery, staleTime: 0, retry: false }).then(
      (session) => session !== null,
      () => true,
    ),
});

/** The things that happen now, from the one stream of this page. Components that use it are drawn again every two seconds. */
export function useLive(): LiveState {
  const tenant = useViewedTenant();
  // React subscribes again where this is another function: to the stream of another tenant.
  const subscribe = useCallback((changed: () => void) => stream.subscribe(tenant, changed), [tenant]);
  return useSyncExternalStore(subscribe, stream.state);
}
