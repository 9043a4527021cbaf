import { MutationCache, QueryCache, QueryClient, type DefaultOptions } from '@tanstack/react-query';
import { notifications } from '@mantine/notifications';
import { ApiError, isSignedOut } from './problem';

/** `onEnd` is called when an answer says that the session has ended. */
export function createQueryClient(onEnd: () => void): QueryClient {
  const noticeEnd = (error: unknown) => {
    if (isSignedOut(error)) onEnd();
  };
  return new QueryClient({
    queryCache: new QueryCache({ onError: noticeEnd }),
    mutationCache: new MutationCache({
      onError: (error, _variables, _context, { meta }) => {
        noticeEnd(error);
        if (meta?.showsErrors) return;
        notifications.show({
          color: 'red',
          title: 'That did not work',
          message: error.message,
          autoClose: 10_000,
        });
      },
    }),
    defaultOptions,
  });
}

const defaultOptions: DefaultOptions = {
  queries: {
    staleTime: 5_000,
    // Without a network, a request fails, and the page says so. The server may be on this machine, too.
    networkMode: 'always',
    // Refusals stay the same; only what failed on the way is tried again.
    retry: (count, error) =>
      count < 3 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    retryDelay: (attempt) => Math.min(1_000 * 2 ** attempt, 10_000),
  },
};

/** The session is read again when it has ended; its route then shows the sign-in. */
export const queryClient: QueryClient = createQueryClient(() => queryClient.setQueryData(['session'], null));
