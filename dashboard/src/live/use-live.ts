import { useSyncExternalStore } from 'react';
import { readNewest } from '../api/overview';
import { queryClient } from '../api/query-client';
import { sessionQuery } from '../api/session';
import { createLiveStream } from './live-stream';
import type { LiveState } from './live-state';

const stream = createLiveStream('/v1/live', readNewest, {
  id: () => queryClient.getQueryData(sessionQuery.queryKey)?.expires_at,
  // Where it is not, its query becomes null, and the layout shows the sign-in.
  isOpen: () =>
    queryClient.fetchQuery({ ...sessionQuery, staleTime: 0, retry: false }).then(
      (session) => session !== null,
      () => true,
    ),
});

/** The things that happen now, from the one stream of this page. Components that use it are drawn again every two seconds. */
export const useLive = (): LiveState => useSyncExternalStore(stream.subscribe, stream.state);
