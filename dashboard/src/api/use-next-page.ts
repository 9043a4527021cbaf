import { useMutation, useQueryClient, type InfiniteData, type QueryKey } from '@tanstack/react-query';
import { withNext, type Page } from './with-head';

/** The page after the last one that was read. */
export interface NextPage {
  fetch: () => void;
  /** It could not be read: only a click asks again, because a refusal such as 429 would be repeated at once. */
  hasFailed: boolean;
}

export type Pages<Row> = InfiniteData<Page<Row>, string | undefined>;

/**
 * Reads the page after `cursor` into the pages of a query. The `fetchNextPage` of a query would write the pages as they were
 * when it began: without the rows, and the changes of rows, that came in meanwhile.
 */
export function useNextPage<Row>(
  queryKey: QueryKey,
  read: (cursor: string) => Promise<Page<Row>>,
  cursor: string | null,
): { more: NextPage | null; isLoadingMore: boolean } {
  const queryClient = useQueryClient();
  const { retry, retryDelay } = queryClient.getDefaultOptions().queries ?? {};
  const mutationKey = ['next-page', ...queryKey];
  const next = useMutation({
    mutationKey,
    mutationFn: (after: string) => read(after),
    onSuccess: async (page, after) => {
      // A refetch in flight would write the pages without this one: it is made again, with it.
      const isRefetching = queryClient.isFetching({ queryKey, exact: true }) > 0;
      await queryClient.cancelQueries({ queryKey, exact: true });
      queryClient.setQueryData<Pages<Row>>(queryKey, (before) => {
        if (!before) return before;
        const pages = withNext(before.pages, after, page);
        return pages === before.pages ? before : { pages, pageParams: [...before.pageParams, after] };
      });
      if (isRefetching) void queryClient.invalidateQueries({ queryKey, exact: true });
    },
    retry,
    retryDelay,
    gcTime: 0,
    meta: { showsErrors: true },
  });
  if (cursor === null) return { more: null, isLoadingMore: false };
  const fetch = () => {
    // The next render, which knows of a read that has begun, may come after another call.
    if (queryClient.isMutating({ mutationKey, exact: true }) === 0) next.mutate(cursor);
  };
  return {
    more: { fetch, hasFailed: next.isError && next.variables === cursor },
    isLoadingMore: next.isPending,
  };
}
