import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { readDeliveries } from '../../api/deliveries';
import { canOperate } from '../../api/session';
import { useTail } from '../../api/use-tail';
import { useSession } from '../../app/session';
import { useViewedTenant } from '../../app/view-as';
import { ButtonLink } from '../../components/button-link';
import { Empty } from '../../components/empty';
import { FilterBar } from '../../components/filter-bar';
import { LiveSwitch, WaitingRows } from '../../components/live-switch';
import { OpenById } from '../../components/open-by-id';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import { useScrolled } from '../../components/use-scrolled';
import { DELIVERY_COLUMNS } from './columns';
import { DELIVERY_FILTERS } from './filters';
import { deliveriesSearch, type DeliveriesSearch } from './search';
import { SelectionBar } from './selection-bar';
import { idOf } from '../../lib/id-of';

const route = getRouteApi('/signed-in/deliveries');
/** A replay chooses by the same filters, but for the event, and takes deliveries that have ended. */
const isReplayable = ({ status, event_id }: DeliveriesSearch) =>
  event_id === undefined && (status === 'FAILED' || status === 'CANCELLED' || status === 'DELIVERED');

export function Deliveries() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const mayOperate = canOperate(useSession());
  const [isPaused, setPaused] = useState(false);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const isScrolled = useScrolled();
  const viewed = useViewedTenant();
  const query = { ...search, tenant: search.tenant ?? viewed };
  const list = useTail(['deliveries', query], readDeliveries(query), isPaused || isScrolled);
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  const clear = () => setChosen(new Set());
  return (
    <>
      <PageHeader title="Deliveries" about="Each is one event on its way to one endpoint, newest first.">
        {isReplayable(query) && mayOperate && (
          <ButtonLink to="/replay/new" search={query} variant="default">
            Replay what matches…
          </ButtonLink>
        )}
        <LiveSwitch isPaused={isPaused} isAway={list.isAway} newest={list.newest} onChange={setPaused} />
      </PageHeader>
      <FilterBar
        filters={DELIVERY_FILTERS}
        values={search}
        time="Accepted"
        onChange={(changed) => {
          clear();
          void navigate({ search: deliveriesSearch.parse({ ...search, ...changed }) });
        }}
      >
        <OpenById />
      </FilterBar>
      <WaitingRows waiting={list.waiting} hasMore={list.hasMore} show={list.show} />
      <PagedList
        label="Deliveries"
        list={list}
        columns={DELIVERY_COLUMNS}
        idOf={idOf}
        empty={
          <Empty title={isFiltered ? 'No delivery matches these filters' : 'No deliveries yet'}>
            {isFiltered
              ? 'Clear a filter, or choose a longer time.'
              : 'Add an endpoint, then post an event of a type that it subscribes to.'}
          </Empty>
        }
        selection={mayOperate ? { ids: chosen, onChange: setChosen } : undefined}
      />
      {chosen.size > 0 && (
        <SelectionBar selected={list.rows.filter(({ id }) => chosen.has(id))} onClear={clear} />
      )}
    </>
  );
}
