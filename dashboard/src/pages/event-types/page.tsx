import { Button } from '@mantine/core';
import { IconFileImport, IconPlus } from '@tabler/icons-react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { api, data } from '../../api/client';
import { usePages } from '../../api/use-pages';
import { useSession } from '../../app/session';
import { Empty } from '../../components/empty';
import { FilterBar, type Filter } from '../../components/filter-bar';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import { eventTypesSearch } from '../search';
import { nameOf } from '../../lib/id-of';
import { eventTypeColumns } from './columns';
import { ImportOpenApi } from './import-openapi';
import { NewEventType } from './new';

const FILTERS = [
  {
    name: 'archived',
    label: 'Archived',
    hint: 'In use only',
    options: [
      { value: 'all', label: 'Also archived' },
      { value: 'only', label: 'Archived only' },
    ],
    width: 160,
  },
] as const satisfies readonly Filter<'archived'>[];

export function EventTypes() {
  const { view } = useSearch({ from: '/signed-in/event-types' });
  if (view === 'new') return <NewEventType />;
  return view === 'import' ? <ImportOpenApi /> : <Catalogue />;
}

function Catalogue() {
  const { archived } = useSearch({ from: '/signed-in/event-types' });
  const navigate = useNavigate({ from: '/event-types' });
  const isAdmin = useSession().role === 'admin';
  const list = usePages(['event-types', 'list', archived], (cursor) =>
    data(
      api.GET('/v1/event-types', {
        params: { query: { archived: archived === 'only' ? 'true' : archived, cursor, limit: 100 } },
      }),
    ),
  );
  return (
    <>
      <PageHeader
        title="Event types"
        about="The catalogue: which events there are, and what their payloads look like."
      >
        {isAdmin && (
          <>
            <Button
              variant="default"
              leftSection={<IconFileImport size={16} />}
              renderRoot={(props) => <Link to="/event-types" search={{ view: 'import' }} {...props} />}
            >
              Import OpenAPI
            </Button>
            <Button
              leftSection={<IconPlus size={16} />}
              renderRoot={(props) => <Link to="/event-types" search={{ view: 'new' }} {...props} />}
            >
              New event type
            </Button>
          </>
        )}
      </PageHeader>
      <FilterBar
        filters={FILTERS}
        values={{ archived }}
        onChange={(changed) => void navigate({ search: eventTypesSearch.parse(changed), replace: true })}
      />
      <PagedList
        label="Event types"
        list={list}
        columns={eventTypeColumns}
        idOf={nameOf}
        empty={
          <Empty title={archived === 'only' ? 'Nothing is archived' : 'The catalogue is empty'}>
            {archived === 'only'
              ? 'Archived event types are those that nothing new may subscribe to.'
              : 'Events are accepted without it. With it, payloads are checked against a schema, and customers see what they can subscribe to. Add one, or import the webhooks of an OpenAPI document.'}
          </Empty>
        }
      />
    </>
  );
}
