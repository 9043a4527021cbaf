import { Text } from '@mantine/core';
import type { components } from '../../api/schema';
import { RowLink } from '../../components/row-link';
import type { Column } from '../../components/row-list';
import { TimeAgo } from '../../components/time-ago';
import { Tag } from '../../components/tag';

type ListedEventType = components['schemas']['ListedEventType'];

export const eventTypeColumns: Column<ListedEventType>[] = [
  {
    header: 'Name',
    width: '2fr',
    narrow: 'title',
    cell: ({ name }) => <RowLink to={`/event-types/${encodeURIComponent(name)}`}>{name}</RowLink>,
  },
  {
    header: 'Description',
    width: '3fr',
    cell: ({ description }) => (
      <Text inherit component="span" c="dimmed" title={description ?? undefined}>
        {description}
      </Text>
    ),
  },
  {
    header: 'Payload',
    width: '150px',
    cell: ({ has_schema }) => (has_schema ? 'checked by schema' : <span>not checked</span>),
  },
  {
    header: 'Status',
    width: '110px',
    narrow: 'side',
    cell: ({ archived }) => <Tag color={archived ? 'gray' : 'teal'}>{archived ? 'Archived' : 'In use'}</Tag>,
  },
  {
    header: 'Changed',
    width: '130px',
    narrow: 'hidden',
    cell: ({ updated_at }) => <TimeAgo at={updated_at} />,
  },
];
