import type { Delivery } from '../../api/types';
import { ClassificationBadge, StatusBadge } from '../../components/badges';
import { EndpointName } from '../../components/endpoint-name';
import { RowLink } from '../../components/row-link';
import type { Column } from '../../components/row-list';
import { TimeAgo } from '../../components/time-ago';

export const LOG_COLUMNS: readonly Column<Delivery>[] = [
  {
    header: 'Event',
    width: '1.5fr',
    narrow: 'title',
    cell: ({ id, event_type }) => <RowLink to={`/deliveries/${id}`}>{event_type}</RowLink>,
  },
  {
    header: 'Status',
    width: '150px',
    narrow: 'side',
    cell: ({ status, next_attempt_at: nextAt }) => <StatusBadge status={status} nextAt={nextAt} />,
  },
  { header: 'Endpoint', width: '2.5fr', cell: ({ endpoint_id }) => <EndpointName id={endpoint_id} /> },
  {
    header: 'Last answer',
    width: '130px',
    // The status says "Delivered" already.
    cell: ({ status, last_classification: last }) =>
      last && status !== 'DELIVERED' && <ClassificationBadge value={last} />,
  },
  {
    header: 'Attempts',
    width: '70px',
    align: 'right',
    narrow: 'hidden',
    cell: ({ attempt_count }) => attempt_count,
  },
  {
    header: 'Accepted',
    width: '110px',
    align: 'right',
    cell: ({ created_at }) => <TimeAgo at={created_at} />,
  },
];
