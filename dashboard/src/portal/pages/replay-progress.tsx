import { Button, Progress, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { batchQuery, isLive } from '../../api/batches';
import { api } from '../../api/client';
import type { Batch } from '../../api/types';
import { Facts } from '../../components/facts';
import { TextLink } from '../../components/text-link';
import { Section } from '../../components/section';
import { count } from '../../lib/format';

/** How far the sending is, and a way to stop it. */
export function ReplayProgress({ batch: first }: { batch: Batch }) {
  const path = { id: first.id };
  const { data: batch, refetch } = useQuery({ ...batchQuery(first.id), initialData: first });
  const stop = useMutation({
    mutationFn: () => api.POST('/v1/batches/{id}/cancel', { params: { path }, body: {} as never }),
    onSuccess: () => refetch(),
  });
  // A batch is completed once all of its deliveries are made; some may still be open.
  const end = TITLES[batch.status];
  const isSending = end === undefined || (batch.status === 'COMPLETED' && isLive(batch));
  const { eligible = 0 } = batch.plan ?? {};
  const { delivered_count, failed_count, open_count, cancelled_count } = batch;
  const share = (part: number) => (eligible === 0 ? 0 : (100 * part) / eligible);
  return (
    <Section
      title={isSending ? 'Replaying' : end}
      actions={
        end === undefined && (
          <Button size="xs" variant="default" loading={stop.isPending} onClick={() => stop.mutate()}>
            Stop
          </Button>
        )
      }
    >
      <Stack gap="sm">
        <Progress.Root size="lg" aria-label={`${delivered_count + failed_count} of ${eligible} have ended`}>
          <Progress.Section value={share(delivered_count)} color="teal" aria-label="Delivered" />
          <Progress.Section value={share(failed_count)} color="red" aria-label="Failed" />
        </Progress.Root>
        <Facts
          of={{
            Delivered: `${count(delivered_count)} of ${count(eligible)}`,
            Failed: count(failed_count),
            Waiting: count(open_count + batch.remaining_count),
            Cancelled: cancelled_count > 0 ? count(cancelled_count) : null,
          }}
        />
        <Text size="sm">
          <TextLink to="/deliveries">See them in the log</TextLink>
        </Text>
        {!isSending && failed_count > 0 && (
          <Text size="sm">Some failed again: their attempts in the log say why.</Text>
        )}
      </Stack>
    </Section>
  );
}

const TITLES: Record<string, string> = {
  COMPLETED: 'Done',
  CANCELLED: 'Stopped',
  FAILED: 'Stopped by a fault',
};
