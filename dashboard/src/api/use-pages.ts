import { useInfiniteQuery, type QueryKey } from '@tanstack/react-query';

interface Page<Row> {
  data: Row[];
  next_cursor: string | null;
}

/** The rows of a list of the API, read page by page as `more` is called. */
export function usePages<Row>(queryKey: QueryKey, read: (cursor: string | undefined) => Promise<Page<Row>>) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });
  return {
    rows: query.data?.pages.flatMap(({ data }) => data) ?? [],
    more: query.hasNextPage ? () => void query.fetchNextPage() : null,
    isLoadingMore: query.isFetchingNextPage,
    isPending: query.isPending,
    error: query.data === undefined ? query.error : null,
    refetch: () => void query.refetch(),
  };
}
