import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { api, data } from '../../api/client';
import { controlQuery } from '../../api/control';
import { usePages } from '../../api/use-pages';
import { useSession } from '../../app/session';
import { Empty } from '../../components/empty';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import { tenantColumns } from './columns';
import { idOf } from '../../lib/id-of';
import { NewTenant } from './new';

export function Tenants() {
  const { view } = useSearch({ from: '/signed-in/tenants' });
  return view === 'new' ? <NewTenant /> : <TenantList />;
}

function TenantList() {
  const session = useSession();
  const { data: control } = useQuery(controlQuery);
  const list = usePages(['tenants', 'list'], (cursor) =>
    data(api.GET('/v1/tenants', { params: { query: { cursor, limit: 100 } } })),
  );
  const columns = useMemo(
    () => tenantColumns(new Set(control?.pauses.map(({ tenant }) => tenant))),
    [control?.pauses],
  );
  return (
    <>
      <PageHeader
        title="Tenants"
        about="Your customers: each has endpoints and events of its own. Open one to make a link to the customer portal for it."
      >
        {session.role === 'admin' && session.tenant === null && (
          <Button
            leftSection={<IconPlus size={16} />}
            renderRoot={(props) => <Link to="/tenants" search={{ view: 'new' }} {...props} />}
          >
            New tenant
          </Button>
        )}
      </PageHeader>
      <PagedList
        label="Tenants"
        list={list}
        columns={columns}
        idOf={idOf}
        empty={
          <Empty title="There are no tenants yet">
            The first event or endpoint of a tenant makes it. Create one here to give it a name and quotas
            before.
          </Empty>
        }
      />
    </>
  );
}
