import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { notifications } from '@mantine/notifications';
import { ApiError, isSignedOut } from './problem';

/** The session is read again when an answer says that it has ended; its route then shows the sign-in. */
const noticeEnd = (error: unknown) => {
  if (isSignedOut(error)) queryClient.setQueryData(['session'], null);
};

export const queryClient: QueryClient = new QueryClient({
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
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // Refusals stay the same; only what failed on the way is tried again.
      retry: (count, error) =>
        count < 3 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      retryDelay: (attempt) => Math.min(1_000 * 2 ** attempt, 10_000),
    },
  },
});
