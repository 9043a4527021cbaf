import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import { usePages } from '../../api/use-pages';
import { useViewedTenant } from '../../app/view-as';
import { Empty } from '../../components/empty';
import { FilterBar, type Filter } from '../../components/filter-bar';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import { endpointColumns } from './columns';
import { idOf } from '../../lib/id-of';
import { endpointsSearch, type EndpointsSearch } from './search';

const FILTERS = [
  { name: 'tenant', label: 'Tenant' },
  {
    name: 'status',
    label: 'Status',
    options: ['enabled', 'paused', 'disabled'].map((value) => ({ value, label: value })),
    width: 140,
  },
  { name: 'event_type', label: 'Subscribed to exactly', width: 220 },
] as const satisfies readonly Filter<keyof EndpointsSearch>[];

export function Endpoints() {
  const can = useCan();
  const search = useSearch({ from: '/signed-in/endpoints' });
  const navigate = useNavigate({ from: '/endpoints' });
  const viewed = useViewedTenant();
  const filter = { ...search, tenant: search.tenant ?? viewed };
  const isFiltered = Object.values(filter).some(Boolean);
  const list = usePages(
    ['endpoints', 'list', filter],
    (cursor) => data(api.GET('/v1/endpoints', { params: { query: { ...filter, cursor, limit: 100 } } })),
    { readAgainIn: () => 60_000 },
  );
  const add = can.changeEndpoints && (
    <Button component={Link} to="/endpoints/new" leftSection={<IconPlus size={16} />}>
      Add endpoint
    </Button>
  );
  return (
    <>
      <PageHeader title="Endpoints" about="URLs that receive webhooks.">
        {add}
      </PageHeader>
      <FilterBar
        filters={FILTERS}
        values={search}
        onChange={(changed) =>
          void navigate({ search: (old) => endpointsSearch.parse({ ...old, ...changed }), replace: true })
        }
      />
      <PagedList
        label="Endpoints"
        list={list}
        columns={endpointColumns}
        idOf={idOf}
        empty={
          <Empty title={isFiltered ? 'No endpoint matches' : 'There are no endpoints yet'}>
            {isFiltered
              ? 'Loosen or clear the filters, or leave the view of one tenant.'
              : 'An endpoint is a URL that receives webhooks. Add the first one: events published from then on are sent to it.'}
          </Empty>
        }
      />
    </>
  );
}
