import { useInfiniteQuery, type QueryKey } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Page } from './with-head';

/** The page after the last one that was read. */
export interface NextPage {
  fetch: () => void;
  /** It could not be read: only a click asks again, because a refusal such as 429 would be repeated at once. */
  hasFailed: boolean;
}

/** The rows of a list of the API, read page by page as `more` is fetched. `rows` stays the same array until the data change. */
export function usePages<Row>(queryKey: QueryKey, read: (cursor: string | undefined) => Promise<Page<Row>>) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });
  const rows = useMemo(() => query.data?.pages.flatMap(({ data }) => data) ?? [], [query.data]);
  return {
    rows,
    more: query.hasNextPage
      ? { fetch: () => void query.fetchNextPage(), hasFailed: query.isFetchNextPageError }
      : null,
    isLoadingMore: query.isFetchingNextPage,
    isPending: query.isPending,
    error: query.data === undefined ? query.error : null,
    refetch: () => void query.refetch(),
  };
}
