import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useViewedTenant } from '../../app/view-as';
import { FilterBar } from '../../components/filter-bar';
import { LiveSwitch } from '../../components/live-switch';
import { OpenById } from '../../components/open-by-id';
import { PageHeader } from '../../components/page-header';
import { EventList, type Tail } from './event-list';
import { EVENT_FILTERS } from './filters';
import { PayloadSearch } from './payload-search';
import { eventsSearch, type EventsSearch } from './search';

const route = getRouteApi('/signed-in/events');

export function Events() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [isPaused, setPaused] = useState(false);
  const [tail, setTail] = useState<Tail>({ isAway: false, newest: null });
  const viewed = useViewedTenant();
  const query = { ...search, tenant: search.tenant ?? viewed };
  const isSearch = search.text !== undefined;
  const change = (changed: Partial<EventsSearch>) => {
    // A search of payloads takes no key: the one that was set last replaces the other.
    const text = changed.idempotency_key === undefined ? search.text : undefined;
    void navigate({ search: eventsSearch.parse({ ...search, text, ...changed }) });
  };
  return (
    <>
      <PageHeader title="Events" about="Facts that were published, newest first.">
        {!isSearch && <LiveSwitch isPaused={isPaused} {...tail} onChange={setPaused} />}
      </PageHeader>
      <FilterBar filters={EVENT_FILTERS} values={search} time="Accepted" onChange={change}>
        <OpenById />
      </FilterBar>
      {isSearch ? (
        <PayloadSearch search={query} />
      ) : (
        <EventList search={query} isPaused={isPaused} onTail={setTail} />
      )}
    </>
  );
}
