import { useNavigate, useSearch } from '@tanstack/react-router';
import { api, data } from '../../api/client';
import type { ApiKey } from '../../api/types';
import { usePages } from '../../api/use-pages';
import { useSession } from '../../app/session';
import { Empty } from '../../components/empty';
import { FilterBar, type Filter } from '../../components/filter-bar';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import type { Column } from '../../components/row-list';
import { TimeAgo } from '../../components/time-ago';
import type { ApiKeysSearch } from '../search';
import { KeyState } from './key-state';
import { NewKey } from './new-key';
import { Revoke } from './revoke';
import { ROLES } from './roles';
import { idOf } from '../../lib/id-of';

const FILTERS: readonly Filter<'role' | 'tenant'>[] = [
  { name: 'role', label: 'Role', options: ROLES.map((value) => ({ value, label: value })) },
  { name: 'tenant', label: 'Tenant' },
];

const COLUMNS: Column<ApiKey>[] = [
  { header: 'Name', width: '2fr', narrow: 'title', cell: ({ name }) => <strong>{name}</strong> },
  { header: 'Role', width: '1fr', cell: ({ role }) => role },
  { header: 'Tenant', width: '1fr', cell: ({ tenant }) => tenant ?? 'all tenants' },
  {
    header: 'Last used',
    width: '1.2fr',
    cell: ({ last_used_at: at }) => (at ? <TimeAgo at={at} /> : 'not used yet'),
  },
  {
    header: 'Requests',
    width: '1fr',
    cell: ({ rate_per_second: rate }) => (rate === null ? 'no limit' : `${rate} per second`),
  },
  {
    header: 'Made',
    width: '1.6fr',
    cell: ({ created_at, created_by }) => (
      <>
        <TimeAgo at={created_at} /> by {created_by}
      </>
    ),
  },
  { header: 'State', width: '1.2fr', cell: (key) => <KeyState of={key} /> },
  {
    header: 'Actions',
    width: '90px',
    narrow: 'side',
    cell: (key) => key.revoked_at === null && <Revoke apiKey={key} />,
  },
];

/** The keys that call the API; only admins above tenants see and make them. */
export function ApiKeys() {
  const session = useSession();
  const isAdmin = session.role === 'admin' && session.tenant === null;
  return (
    <>
      <PageHeader title="API keys" about="Who may call the API, and sign in to this page">
        {isAdmin && <NewKey />}
      </PageHeader>
      {isAdmin ? (
        <Keys />
      ) : (
        <Empty title="API keys are for admins">
          You are signed in as {session.role}
          {session.tenant !== null && ` of the tenant ${session.tenant}`}. Only an admin key that sees all
          tenants can list, make and revoke keys.
        </Empty>
      )}
    </>
  );
}

function Keys() {
  const search = useSearch({ from: '/signed-in/api-keys' });
  const navigate = useNavigate({ from: '/api-keys' });
  const list = usePages(['api-keys', search], (cursor) =>
    data(api.GET('/v1/api-keys', { params: { query: { ...search, cursor, limit: 100 } } })),
  );
  const isFiltered = search.role !== undefined || search.tenant !== undefined;
  return (
    <>
      <FilterBar
        filters={FILTERS}
        values={search}
        onChange={(changed) =>
          void navigate({ search: (now) => ({ ...now, ...changed }) as ApiKeysSearch, replace: true })
        }
      />
      <PagedList
        label="API keys"
        list={list}
        columns={COLUMNS}
        idOf={idOf}
        empty={
          <Empty title={isFiltered ? 'No key matches these filters' : 'There is only the admin key'}>
            {isFiltered
              ? 'Clear a filter to see more.'
              : 'Make a key for each program and person, with the least role that does: what it did stands in the audit by its id, and it can be revoked alone.'}
          </Empty>
        }
      />
    </>
  );
}
