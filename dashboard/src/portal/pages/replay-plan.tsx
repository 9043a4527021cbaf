import { Alert, Button, Group, List, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { batchQuery } from '../../api/batches';
import { api, data } from '../../api/client';
import type { Batch, Endpoint } from '../../api/types';
import { Section } from '../../components/section';
import { count } from '../../lib/format';
import { skippedInWords, urlOf } from './replay-choice';
import { ReplayProgress } from './replay-progress';

/** The counts of a plan; nothing is sent before it is confirmed. */
export function ReplayPlan({ made, endpoints }: { made: Batch; endpoints: Endpoint[] }) {
  const [started, setStarted] = useState<Batch | null>(null);
  if (started) return <ReplayProgress batch={started} />;
  return <Plan made={made} endpoints={endpoints} onStart={setStarted} />;
}

function Plan({
  made,
  endpoints,
  onStart,
}: {
  made: Batch;
  endpoints: Endpoint[];
  onStart: (batch: Batch) => void;
}) {
  const path = { id: made.id };
  // A long plan is still being made when the answer comes.
  const { data: batch } = useQuery({ ...batchQuery(made.id), initialData: made });
  const start = useMutation({
    mutationFn: () =>
      data(api.POST('/v1/batches/{id}/start', { params: { path }, body: { note: 'portal' } })),
    onSuccess: onStart,
  });
  const { plan, status } = batch;
  if (status === 'FAILED')
    return <Alert color="red">The count failed. Choose a later time, or try again.</Alert>;
  if (status === 'PLANNING' || plan === null)
    return <Text role="status">Counting{plan ? `: ${count(plan.total)} so far` : ''} …</Text>;
  const left = skippedInWords(plan.skipped_by_reason);
  return (
    <Section title={plan.eligible === 0 ? 'Nothing to send' : 'This would be sent'}>
      <Stack gap="xs">
        <Text size="sm">
          <b>{count(plan.eligible)}</b> {plan.eligible === 1 ? 'event' : 'events'} would be sent again.
          Nothing has been sent yet.
        </Text>
        <List size="sm">
          {plan.by_endpoint.map(({ endpoint_id, count: some }) => (
            <List.Item key={endpoint_id}>
              {count(some)} to {urlOf(endpoints, endpoint_id)}
            </List.Item>
          ))}
        </List>
        {left.length > 0 && (
          <Text size="sm" c="dimmed">
            Left out: {left.join('; ')}.
          </Text>
        )}
        {plan.eligible > 0 && (
          <Group>
            <Button loading={start.isPending} onClick={() => start.mutate()}>
              Replay {count(plan.eligible)}
            </Button>
          </Group>
        )}
      </Stack>
    </Section>
  );
}
