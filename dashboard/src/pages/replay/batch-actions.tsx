import { Button } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useBatchChange } from '../../api/batches';
import { canOperate } from '../../api/session';
import type { Batch } from '../../api/types';
import { useSession } from '../../app/session';
import { ButtonLink } from '../../components/button-link';
import { count } from '../../lib/format';
import { Cancel, CancelOpen } from './cancel';
import { StartRest } from './start-rest';

/** Pauses, resumes, cancels and goes on with a batch, as its state allows. */
export function BatchActions({ batch }: { batch: Batch }) {
  const session = useSession();
  const change = useBatchChange(batch.id);
  const { status } = batch;
  if (!canOperate(session)) return null;
  const isEnded = status === 'CANCELLED' || status === 'FAILED';
  return (
    <>
      {status === 'RUNNING' && (
        <Button
          variant="default"
          leftSection={<IconPlayerPause size={16} />}
          loading={change.isPending}
          onClick={() => change.mutate({ kind: 'pause' })}
        >
          Pause
        </Button>
      )}
      {status === 'PAUSED' && (
        <Button
          leftSection={<IconPlayerPlay size={16} />}
          loading={change.isPending}
          onClick={() => change.mutate({ kind: 'resume' })}
        >
          Resume
        </Button>
      )}
      {['PLANNING', 'RUNNING', 'PAUSED'].includes(status) && <Cancel batch={batch} />}
      {isEnded && batch.open_count > 0 && <CancelOpen batch={batch} />}
      {isEnded && batch.completed_at !== null && batch.plan !== null && <StartRest batch={batch} />}
      {batch.failed_count > 0 && (
        <ButtonLink variant="default" to="/replay/new" search={{ batch_id: batch.id, status: 'FAILED' }}>
          Replay its {count(batch.failed_count)} failed
        </ButtonLink>
      )}
    </>
  );
}
