import { useMutation, useQueryClient, type InfiniteData, type QueryKey } from '@tanstack/react-query';
import type { NextPage } from './use-pages';
import { withNext, type Page } from './with-head';

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
    onSuccess: (page, after) => {
      queryClient.setQueryData<Pages<Row>>(queryKey, (before) => {
        if (!before) return before;
        const pages = withNext(before.pages, after, page);
        return pages === before.pages ? before : { pages, pageParams: [...before.pageParams, after] };
      });
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
