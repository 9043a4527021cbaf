import { useInfiniteQuery, type QueryKey } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useNextPage } from './use-next-page';
import type { Page } from './with-head';

interface Options<Row> {
  staleTime?: number;
  gcTime?: number;
  structuralSharing?: boolean;
  /** After how many ms all pages are read again; false: not by themselves. */
  readAgainIn?: (rows: Row[]) => number | false;
}

/** The rows of a list of the API, read page by page as `more` is fetched. `rows` stays the same array until the data change. */
export function usePages<Row>(
  queryKey: QueryKey,
  read: (cursor: string | undefined) => Promise<Page<Row>>,
  { readAgainIn, ...options }: Options<Row> = {},
) {
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    refetchInterval: ({ state }) =>
      readAgainIn?.(state.data?.pages.flatMap(({ data }) => data) ?? []) ?? false,
    ...options,
  });
  const pages = query.data?.pages;
  const rows = useMemo(() => pages?.flatMap(({ data }) => data) ?? [], [pages]);
  return {
    /** Undefined: the first has not been read yet. */
    pages,
    rows,
    ...useNextPage(queryKey, read, pages?.at(-1)?.next_cursor ?? null),
    isPending: query.isPending,
    error: pages === undefined ? query.error : null,
    /** The rows could not be read again; they are those of the time `at`. */
    stale: pages !== undefined && query.isError ? { at: query.dataUpdatedAt, error: query.error } : null,
    refetch: () => void query.refetch(),
  };
}
