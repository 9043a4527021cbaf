import { IconPlus } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { isLive } from '../../api/batches';
import { api, data } from '../../api/client';
import { canOperate } from '../../api/session';
import type { Batch } from '../../api/types';
import { usePages } from '../../api/use-pages';
import { useSession } from '../../app/session';
import { useViewedTenant } from '../../app/view-as';
import { ButtonLink } from '../../components/button-link';
import { Empty } from '../../components/empty';
import { FilterBar, type Filter } from '../../components/filter-bar';
import { PageHeader } from '../../components/page-header';
import { PagedList } from '../../components/paged-list';
import { RowLink } from '../../components/row-link';
import type { Column } from '../../components/row-list';
import { TimeAgo } from '../../components/time-ago';
import { count } from '../../lib/format';
import { BatchBadge } from './batch-badge';
import { Selection } from './selection';
import { BATCH_STATUSES, BATCH_WORDS } from './words';
import { idOf } from '../../lib/id-of';

const FILTERS: readonly Filter<'status' | 'tenant'>[] = [
  {
    name: 'status',
    label: 'Status',
    options: BATCH_STATUSES.map((value) => ({ value, label: BATCH_WORDS[value].label })),
  },
  { name: 'tenant', label: 'Tenant' },
];

const COLUMNS: Column<Batch>[] = [
  {
    header: 'Chosen',
    width: '4fr',
    narrow: 'title',
    cell: ({ id, selection, note }) => (
      <RowLink to={`/replay/${id}`}>{note ?? <Selection of={selection} isPlain />}</RowLink>
    ),
  },
  { header: 'Status', width: '110px', narrow: 'side', cell: ({ status }) => <BatchBadge status={status} /> },
  { header: 'Progress', width: '2.4fr', cell: progress },
  { header: 'By', width: '1fr', cell: ({ created_by }) => created_by },
  { header: 'Made', width: '120px', cell: ({ created_at }) => <TimeAgo at={created_at} /> },
];

/** Every replay batch and dry run, newest first. */
export function Replay() {
  const search = useSearch({ from: '/signed-in/replay' });
  const navigate = useNavigate({ from: '/replay' });
  const session = useSession();
  const viewed = useViewedTenant();
  const query = { ...search, tenant: search.tenant ?? viewed };
  const list = usePages(
    ['batches', 'list', query],
    (cursor) => data(api.GET('/v1/batches', { params: { query: { ...query, cursor, limit: 50 } } })),
    { readAgainIn: (rows) => rows.some(isLive) && 3_000 },
  );
  const isFiltered = query.status !== undefined || query.tenant !== undefined;
  return (
    <>
      <PageHeader title="Replay" about="Deliver again what has ended: first a dry run, then exactly its plan">
        {canOperate(session) && (
          <ButtonLink to="/replay/new" leftSection={<IconPlus size={16} />}>
            New replay
          </ButtonLink>
        )}
      </PageHeader>
      <FilterBar
        filters={FILTERS}
        values={search}
        onChange={(changed) =>
          void navigate({ search: (now) => ({ ...now, ...changed }) as typeof search, replace: true })
        }
      />
      <PagedList
        label="Replays"
        list={list}
        columns={COLUMNS}
        idOf={idOf}
        empty={
          <Empty title={isFiltered ? 'No replay matches these filters' : 'Nothing was replayed yet'}>
            {isFiltered
              ? 'Clear a filter to see more.'
              : 'A replay delivers last night’s failures again, or the events that an endpoint missed. Its dry run shows what would be sent, and sends nothing.'}
          </Empty>
        }
      />
    </>
  );
}

function progress({ status, plan, created_count, delivered_count, failed_count }: Batch): string {
  if (plan === null) return '';
  const planned = `${count(plan.eligible)} to replay`;
  if (status === 'DRY_RUN') return planned;
  const failed = failed_count > 0 ? `, ${count(failed_count)} failed` : '';
  return `${count(created_count)} of ${count(plan.eligible)} made, ${count(delivered_count)} delivered${failed}`;
}
