import { Group, Text } from '@mantine/core';
import type { Endpoint } from '../../api/types';
import { EndpointBadge } from '../../components/badges';
import { RowLink } from '../../components/row-link';
import type { Column } from '../../components/row-list';
import { HealthSparkline } from './health-sparkline';
import { HeldCount, LastSuccess } from './row-figures';
import { reasonWords } from './status-words';

export const endpointColumns: Column<Endpoint>[] = [
  {
    header: 'URL',
    width: '3fr',
    narrow: 'title',
    cell: ({ id, url, description }) => (
      <>
        <RowLink to={`/endpoints/${id}`}>{url}</RowLink>
        {description && (
          <Text size="xs" c="dimmed" truncate component="span" display="block">
            {description}
          </Text>
        )}
      </>
    ),
  },
  { header: 'Tenant', width: '1fr', cell: ({ tenant }) => tenant },
  {
    header: 'Event types',
    width: '1.5fr',
    cell: ({ event_types }) => <span title={event_types.join(', ')}>{event_types.join(', ')}</span>,
  },
  {
    header: 'Status',
    width: '1.5fr',
    narrow: 'side',
    cell: ({ status, status_reason, failing_since }) => {
      const reason = reasonWords({ status, status_reason, failing_since });
      return (
        <Group gap={6} wrap="nowrap">
          <EndpointBadge status={status} isFailing={failing_since !== null} />
          {reason && (
            <Text size="xs" c="dimmed" truncate title={reason} visibleFrom="sm">
              {reason}
            </Text>
          )}
        </Group>
      );
    },
  },
  { header: 'Last 24 hours', width: '150px', cell: ({ id }) => <HealthSparkline id={id} /> },
  {
    header: 'Held',
    align: 'right',
    width: '60px',
    cell: ({ id }) => (
      <Named by="held">
        <HeldCount id={id} />
      </Named>
    ),
  },
  {
    header: 'Last success',
    width: '110px',
    narrow: 'line',
    cell: ({ id }) => (
      <Named by="last success">
        <LastSuccess id={id} />
      </Named>
    ),
  },
];

/** Narrow screens have no headers. */
const Named = ({ by, children }: { by: string; children: React.ReactNode }) => (
  <>
    <Text span inherit hiddenFrom="sm">
      {by}{' '}
    </Text>
    {children}
  </>
);
