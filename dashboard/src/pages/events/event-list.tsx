import { useEffect } from 'react';
import { readEvents } from '../../api/events';
import { useTail } from '../../api/use-tail';
import { Empty } from '../../components/empty';
import { PagedList } from '../../components/paged-list';
import { WaitingRows } from '../../components/live-switch';
import { useScrolled } from '../../components/use-scrolled';
import { idOf } from '../../lib/id-of';
import { EVENT_COLUMNS } from './columns';
import type { EventsSearch } from './search';

/** How fresh the list is, for its switch. */
export interface Tail {
  isAway: boolean;
  newest: number | null;
}

/** Events that match the filters; new ones come in at the top. */
export function EventList({
  search,
  isPaused,
  onTail,
}: {
  search: EventsSearch;
  isPaused: boolean;
  onTail: (tail: Tail) => void;
}) {
  const isScrolled = useScrolled();
  const list = useTail(['events', search], readEvents(search), isPaused || isScrolled);
  const { isAway, newest } = list;
  useEffect(() => onTail({ isAway, newest }), [onTail, isAway, newest]);
  const isFiltered = Object.values(search).some((value) => value !== undefined);
  return (
    <>
      <WaitingRows waiting={list.waiting} hasMore={list.hasMore} show={list.show} />
      <PagedList
        label="Events"
        list={list}
        columns={EVENT_COLUMNS}
        idOf={idOf}
        empty={
          <Empty title={isFiltered ? 'No event matches these filters' : 'No events yet'}>
            {isFiltered
              ? 'Clear a filter, or choose a longer time. An idempotency key must be given in full.'
              : 'Post one to /v1/events: it appears here at once.'}
          </Empty>
        }
      />
    </>
  );
}
