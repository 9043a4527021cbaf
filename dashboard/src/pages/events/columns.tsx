import type { ListedEvent } from '../../api/types';
import { Tag } from '../../components/tag';
import { RowLink } from '../../components/row-link';
import type { Column } from '../../components/row-list';
import { TimeAgo } from '../../components/time-ago';
import { count } from '../../lib/format';

export const EVENT_COLUMNS: readonly Column<ListedEvent>[] = [
  {
    header: 'Event type',
    width: '1.4fr',
    narrow: 'title',
    cell: ({ id, type }) => <RowLink to={`/events/${id}`}>{type}</RowLink>,
  },
  { header: 'Tenant', width: '140px', cell: ({ tenant }) => tenant },
  {
    header: 'Idempotency key',
    width: '2fr',
    cell: ({ idempotency_key }) => <span title={idempotency_key}>{idempotency_key}</span>,
  },
  {
    header: 'Deliveries',
    width: '110px',
    align: 'right',
    narrow: 'hidden',
    cell: ({ delivery_count: made }) =>
      made === null ? 'more …' : made === 0 ? <Tag color="orange">no endpoint</Tag> : count(made),
  },
  {
    header: 'Accepted',
    width: '110px',
    align: 'right',
    narrow: 'side',
    cell: ({ created_at }) => <TimeAgo at={created_at} />,
  },
];

export const idOfEvent = ({ id }: ListedEvent): string => id;
