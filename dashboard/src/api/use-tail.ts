import { useQuery, useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import type { Pages } from './use-next-page';
import { usePages } from './use-pages';
import { countNew, isGap, withHead, type Identified, type Page } from './with-head';

const EVERY_MS = 2_000;
/** A list that grows at its top for hours is cut to its newest page beyond this. */
const MAX_FIRST_PAGE = 2_000;
const KEPT = {
  // The head keeps it fresh; "Back" finds the rows, and so its place, again.
  staleTime: Infinity,
  gcTime: 30 * 60_000,
  // Comparing 100,000 rows takes longer than a frame.
  structuralSharing: false,
};

/**
 * A list, newest first, read page by page as `more` is fetched, whose first page is read again every 2 s. New rows come in
 * at the top, or are only counted while `isPaused`: `show` lets them in. Older rows stay as they were read.
 */
export function useTail<Row extends Identified>(
  queryKey: QueryKey,
  read: (cursor: string | undefined) => Promise<Page<Row>>,
  isPaused: boolean,
) {
  const queryClient = useQueryClient();
  // The key is a new array at each render, with the same content.
  const key = JSON.stringify(queryKey);
  const { pages, ...list } = usePages(queryKey, read, KEPT);
  const head = useQuery({
    queryKey: [...queryKey, 'head'],
    queryFn: () => read(undefined),
    enabled: pages !== undefined,
    refetchInterval: EVERY_MS,
    gcTime: 0,
    retry: false,
  });
  const isBehind = pages !== undefined && head.data !== undefined;
  const show = useCallback(() => {
    const newest = head.data;
    if (!newest) return;
    queryClient.setQueryData<Pages<Row>>(JSON.parse(key) as QueryKey, (before) => {
      if (!before) return before;
      const next = withHead(before.pages, newest);
      const kept = next[0]!.data.length > MAX_FIRST_PAGE ? [newest] : next;
      return { pages: kept, pageParams: before.pageParams.slice(0, kept.length) };
    });
  }, [queryClient, key, head.data]);
  useEffect(() => {
    if (!isPaused) show();
  }, [isPaused, show]);
  return {
    ...list,
    /** How many rows wait to be shown; `hasMore`: at least as many. */
    waiting: isBehind ? countNew(pages, head.data) : 0,
    hasMore: isBehind && isGap(pages, head.data),
    show,
    /** How many rows are read again, where the list has more; null: all of them. */
    newest: head.data && list.rows.length > head.data.data.length ? head.data.data.length : null,
    /** The last look for new rows failed. */
    isAway: head.isError,
  };
}
