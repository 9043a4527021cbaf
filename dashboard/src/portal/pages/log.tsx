import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import type { Endpoint } from '../../api/types';
import { useTail } from '../../api/use-tail';
import { Empty } from '../../components/empty';
import { ButtonLink } from '../../components/button-link';
import { FilterBar } from '../../components/filter-bar';
import { WaitingRows } from '../../components/live-switch';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import { useScrolled } from '../../components/use-scrolled';
import { count } from '../../lib/format';
import { resolved } from '../../lib/time-range';
import { DELIVERY_STATUSES } from '../../../../src/domain/delivery';
import { STATUS_WORDS } from '../../lib/words';
import { deliveriesSearch } from '../../pages/deliveries/search';
import { endpointsQuery, eventTypesQuery } from '../queries';
import { DELIVERY_COLUMNS } from '../../pages/deliveries/columns';
import { idOf } from '../../lib/id-of';

const route = getRouteApi('/signed-in/deliveries');
/** A session sees one tenant. */
const COLUMNS = DELIVERY_COLUMNS.filter(({ header }) => header !== 'Tenant');

const STATUSES = DELIVERY_STATUSES.map((value) => ({ value, label: STATUS_WORDS[value].label }));

/** Everything that was sent, or is to be, newest first. New rows come in by themselves while the top is in view. */
export function Log() {
  const { replay } = useCan();
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data: endpoints = [] } = useQuery(endpointsQuery);
  const { data: types = [] } = useQuery(eventTypesQuery);
  const { status, endpoint_id, event_type, from, to } = search;
  const shown = { status, endpoint_id, event_type, from, to };
  const isFiltered = Object.values(shown).some((value) => value !== undefined);
  const read = (cursor: string | undefined) =>
    data(api.GET('/v1/deliveries', { params: { query: { ...resolved(shown), cursor } } }));
  const list = useTail(['deliveries', shown], read, useScrolled());
  return (
    <>
      <PageHeader
        title="Log"
        about={`What was sent to your endpoints, newest first.${list.newest === null ? '' : ` The newest ${count(list.newest)} are kept up to date.`}`}
      >
        {replay && (
          <ButtonLink to="/replay/new" variant="default">
            Replay
          </ButtonLink>
        )}
      </PageHeader>
      <FilterBar
        filters={[
          { name: 'status', label: 'Status', options: STATUSES, width: 150 },
          { name: 'endpoint_id', label: 'Endpoint', options: endpoints.map(asOption), width: 260 },
          {
            name: 'event_type',
            label: 'Event type',
            options: types.map(({ name }) => ({ value: name, label: name })),
          },
        ]}
        values={search}
        time="Accepted"
        onChange={(changed) => void navigate({ search: deliveriesSearch.parse({ ...search, ...changed }) })}
      />
      <WaitingRows waiting={list.waiting} hasMore={list.hasMore} show={list.show} />
      <PagedList
        label="Deliveries"
        list={list}
        columns={COLUMNS}
        idOf={idOf}
        empty={
          <Empty title="Nothing here">
            {isFiltered
              ? 'No delivery fits these filters: clear one, or choose a longer time.'
              : 'When an event is sent to one of your endpoints, it is shown here.'}
          </Empty>
        }
      />
    </>
  );
}

const asOption = ({ id, url, description }: Endpoint) => ({
  value: id,
  label: description ? `${description} (${url})` : url,
});
