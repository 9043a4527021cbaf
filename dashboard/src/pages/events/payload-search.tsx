import { Button, Group, Text } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { searchEvents } from '../../api/events';
import { Empty } from '../../components/empty';
import { LoadError } from '../../components/loaded';
import { RowList } from '../../components/row-list';
import { RowsPending } from '../../components/rows-pending';
import { count, dateTime } from '../../lib/format';
import { idOf } from '../../lib/id-of';
import { EVENT_COLUMNS } from './columns';
import type { EventsSearch } from './search';

/** Events whose payload has a text. Each request searches a bounded part, newest first, and says how far it came. */
export function PayloadSearch({ search }: { search: EventsSearch }) {
  const query = useInfiniteQuery({
    queryKey: ['event-search', search],
    queryFn: ({ pageParam }) => searchEvents(search, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });
  const pages = query.data?.pages;
  const rows = useMemo(() => pages?.flatMap(({ data }) => data) ?? [], [pages]);
  if (query.error && !pages) return <LoadError error={query.error} again={() => void query.refetch()} />;
  if (!pages) return <RowsPending />;
  const examined = pages.reduce((sum, page) => sum + page.examined, 0);
  const reached = pages.findLast(({ searched_to }) => searched_to !== null)?.searched_to;
  return (
    <>
      <Group gap="xs" mb="sm" justify="space-between">
        <Text size="sm" role="status">
          {count(rows.length)} found in {count(examined)} events
          {query.hasNextPage
            ? reached && `, searched back to ${dateTime(reached)}.`
            : ': all events of this range are searched.'}
        </Text>
        {query.hasNextPage && (
          <Button
            variant="default"
            size="xs"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Search further back
          </Button>
        )}
      </Group>
      {rows.length > 0 ? (
        <RowList label="Events found" rows={rows} columns={EVENT_COLUMNS} idOf={idOf} />
      ) : (
        <Empty title="Nothing found so far">
          {query.hasNextPage
            ? 'Older events have not been searched yet: search further back.'
            : 'No payload has this text. Upper and lower case do not matter; blanks do.'}
        </Empty>
      )}
    </>
  );
}
