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

/** Events that match the filters; new ones come in at the top. */
export function EventList({
  search,
  isPaused,
  onAway,
}: {
  search: EventsSearch;
  isPaused: boolean;
  onAway: (isAway: boolean) => void;
}) {
  const isScrolled = useScrolled();
  const list = useTail(['events', search], readEvents(search), isPaused || isScrolled);
  useEffect(() => onAway(list.isAway), [onAway, list.isAway]);
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
