import type { components } from '../../api/schema';
import { RowLink } from '../../components/row-link';
import type { Column } from '../../components/row-list';
import { TimeAgo } from '../../components/time-ago';
import { count } from '../../lib/format';
import { Tag } from '../../components/tag';

type ListedTenant = components['schemas']['ListedTenant'];

/** A quota; null is the default of the configuration. */
export const quota = (value: number | null, unit = ''): string =>
  value === null ? 'default' : `${count(value)}${unit}`;

export const tenantColumns = (paused: ReadonlySet<string | null>): Column<ListedTenant>[] => [
  {
    header: 'Tenant',
    width: '2fr',
    narrow: 'title',
    cell: ({ id }) => <RowLink to={`/tenants/${encodeURIComponent(id)}`}>{id}</RowLink>,
  },
  { header: 'Name', width: '2fr', cell: ({ name }) => name },
  {
    header: 'Endpoints',
    align: 'right',
    width: '1fr',
    narrow: 'hidden',
    cell: ({ endpoint_count, max_endpoints }) =>
      `${count(endpoint_count)}${max_endpoints === null ? '' : ` of ${count(max_endpoints)}`}`,
  },
  {
    header: 'Events per second',
    align: 'right',
    width: '1fr',
    narrow: 'hidden',
    cell: ({ max_events_per_second }) => quota(max_events_per_second),
  },
  {
    header: 'Status',
    width: '110px',
    narrow: 'side',
    cell: ({ id }) => (paused.has(id) ? <Tag color="grape">Paused</Tag> : <Tag color="teal">Active</Tag>),
  },
  {
    header: 'Created',
    width: '130px',
    narrow: 'hidden',
    cell: ({ created_at }) => <TimeAgo at={created_at} />,
  },
];
