import { api, data } from '../../api/client';
import type { components } from '../../api/schema';
import { usePages } from '../../api/use-pages';
import { Empty } from '../../components/empty';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import { RowLink } from '../../components/row-link';
import type { Column } from '../../components/row-list';
import { nameOf } from '../../lib/id-of';

type ListedEventType = components['schemas']['ListedEventType'];

const COLUMNS: readonly Column<ListedEventType>[] = [
  {
    header: 'Event',
    width: '1fr',
    narrow: 'title',
    cell: ({ name }) => <RowLink to={`/event-types/${encodeURIComponent(name)}`}>{name}</RowLink>,
  },
  { header: 'Description', width: '2fr', cell: ({ description }) => description },
];

/** The events that endpoints can get. */
export function Catalogue() {
  const list = usePages(['event-types', 'list'], (cursor) =>
    data(api.GET('/v1/event-types', { params: { query: { cursor } } })),
  );
  return (
    <>
      <PageHeader
        title="Event catalogue"
        about="The events that your endpoints can get, with an example of each."
      />
      <PagedList
        label="Events"
        list={list}
        columns={COLUMNS}
        idOf={nameOf}
        empty={<Empty title="No events are described here">Ask for their names where you came from.</Empty>}
      />
    </>
  );
}
