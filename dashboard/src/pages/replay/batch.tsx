import { Alert, Group, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { batchQuery } from '../../api/batches';
import { canOperate } from '../../api/session';
import type { Batch } from '../../api/types';
import { useSession } from '../../app/session';
import { Copied } from '../../components/copied';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { count } from '../../lib/format';
import { BatchActions } from './batch-actions';
import { BatchBadge } from './batch-badge';
import { BatchRecord } from './batch-record';
import { ChangeChoice } from './change-choice';
import { Items } from './items';
import { Plan } from './plan';
import { Progress } from './progress';
import { Selection } from './selection';
import { StartPanel } from './start-panel';

/** A dry run with its plan, or a replay with its progress. */
export function BatchPage() {
  const { id } = useParams({ from: '/signed-in/replay/$id' });
  const query = useQuery(batchQuery(id));
  return (
    <>
      <PageHeader
        title={query.data?.status === 'DRY_RUN' ? 'Dry run' : 'Replay'}
        about={
          <Group gap="xs">
            {query.data && query.data.status !== 'DRY_RUN' && <BatchBadge status={query.data.status} />}
            <Copied text={id} />
          </Group>
        }
      >
        {query.data && <BatchActions batch={query.data} />}
      </PageHeader>
      <Loaded query={query}>{(batch) => <Parts batch={batch} />}</Loaded>
    </>
  );
}

function Parts({ batch }: { batch: Batch }) {
  const session = useSession();
  return (
    <Stack>
      <Stack gap={4}>
        <div>
          <Selection of={batch.selection} />
        </div>
        {batch.status === 'DRY_RUN' && <ChangeChoice batch={batch} />}
      </Stack>
      {batch.status === 'PLANNING' && (
        <Alert color="blue" variant="light" title="The plan is being made" role="status">
          {count(batch.planned_count)} found so far. This page shows the plan when it is whole.
        </Alert>
      )}
      {batch.status_reason && (
        <Alert color={batch.status === 'FAILED' ? 'red' : 'gray'} variant="light" title="Reason">
          {batch.status_reason}
        </Alert>
      )}
      {!batch.dry_run && batch.plan && <Progress batch={batch} plan={batch.plan} />}
      {batch.plan && <Plan plan={batch.plan} isDryRun={batch.dry_run} />}
      {batch.status === 'DRY_RUN' && batch.plan && canOperate(session) && (
        <StartPanel id={batch.id} eligible={batch.plan.eligible} />
      )}
      <Items batch={batch} />
      <BatchRecord batch={batch} />
    </Stack>
  );
}
