import { Button, Center, Group, SegmentedControl, Stack } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { api, data } from '../../api/client';
import { usePages } from '../../api/use-pages';
import { useViewedTenant } from '../../app/view-as';
import { AsOf } from '../../components/as-of';
import { Empty } from '../../components/empty';
import { FilterBar, type Filter } from '../../components/filter-bar';
import { LoadError } from '../../components/loaded';
import { MoreFailed } from '../../components/more-failed';
import { PageHeader } from '../../components/page-header';
import type { IssuesSearch } from '../search';
import { IssueCard } from './issue-card';

const STATUSES = [
  { value: 'open', label: 'Open' },
  { value: 'acknowledged', label: 'Acknowledged' },
  { value: 'all', label: 'All' },
];
const FILTERS: readonly Filter<'tenant' | 'endpoint_id'>[] = [
  { name: 'tenant', label: 'Tenant' },
  { name: 'endpoint_id', label: 'Endpoint id', width: 240 },
];
const READ_AGAIN_MS = 10_000;

/** Failures by endpoint and cause, with their meaning and the way to mend them. */
export function Issues() {
  const search = useSearch({ from: '/signed-in/issues' });
  const navigate = useNavigate({ from: '/issues' });
  const viewed = useViewedTenant();
  const query = { ...search, tenant: search.tenant ?? viewed };
  const list = usePages(
    ['issues', query],
    (cursor) => data(api.GET('/v1/issues', { params: { query: { ...query, cursor, limit: 25 } } })),
    { readAgainIn: () => READ_AGAIN_MS },
  );
  const { rows, more, isLoadingMore, isPending, error, stale, refetch } = list;
  const status = search.status ?? 'open';
  const change = (changed: Partial<IssuesSearch>) =>
    void navigate({ search: (now) => ({ ...now, ...changed }), replace: true });
  const isFiltered = query.tenant !== undefined || query.endpoint_id !== undefined;
  return (
    <>
      <PageHeader title="Issues" about="What fails, by endpoint and cause: what it means, and what to do" />
      <Group align="flex-end" gap="xs">
        <SegmentedControl
          aria-label="Status"
          mb="sm"
          data={STATUSES}
          value={status}
          onChange={(value) => change({ status: value === 'open' ? undefined : (value as typeof status) })}
        />
        <FilterBar filters={FILTERS} values={search} onChange={change} />
      </Group>
      {error && <LoadError error={error} again={refetch} />}
      {stale && <AsOf {...stale} />}
      {!error && !isPending && rows.length === 0 && <NoIssue status={status} isFiltered={isFiltered} />}
      <Stack component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
        {rows.map((issue) => (
          <IssueCard key={issue.id} issue={issue} />
        ))}
      </Stack>
      {more?.hasFailed && !isLoadingMore && <MoreFailed again={more.fetch} />}
      {more && (!more.hasFailed || isLoadingMore) && (
        <Center mt="md">
          <Button variant="default" loading={isLoadingMore} onClick={more.fetch}>
            Show more
          </Button>
        </Center>
      )}
    </>
  );
}

function NoIssue({ status, isFiltered }: { status: string; isFiltered: boolean }) {
  if (isFiltered) return <Empty title="No issue matches these filters">Clear a filter to see more.</Empty>;
  if (status === 'acknowledged')
    return (
      <Empty title="No issue is acknowledged">An acknowledged issue rests here until it fails again.</Empty>
    );
  return (
    <>
      <Center mt={48} mb={-36}>
        <IconCircleCheck size={40} stroke={1.4} color="var(--mantine-color-teal-6)" aria-hidden />
      </Center>
      <Empty title="Nothing fails">
        Every endpoint takes what it is sent. When one stops, it is here within seconds, with the reason and
        what to do.
      </Empty>
    </>
  );
}
