import { Button, Group, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { batchQuery } from '../../api/batches';
import { api, data } from '../../api/client';
import { ApiError } from '../../api/problem';
import { Section } from '../../components/section';
import { count, duration } from '../../lib/format';

const DEFAULT_RATE = 50;

/** Starts what a dry run planned, once its count is typed. */
export function StartPanel({ id, eligible }: { id: string; eligible: number }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [typed, setTyped] = useState('');
  const [rate, setRate] = useState<number | string>(DEFAULT_RATE);
  const [note, setNote] = useState('');
  const start = useMutation({
    mutationFn: () =>
      data(
        api.POST('/v1/batches/{id}/start', {
          params: { path: { id } },
          body: { rate_per_second: Number(rate), note: note.trim() || undefined },
        }),
      ),
    onSuccess: async (batch) => {
      queryClient.setQueryData(batchQuery(batch.id).queryKey, batch);
      void queryClient.invalidateQueries({ queryKey: ['batches', 'list'] });
      await navigate({ to: '/replay/$id', params: { id: batch.id } });
    },
  });
  if (eligible === 0)
    return (
      <Section title="Start">
        <Text size="sm">There is nothing to replay: see above why each delivery is left out.</Text>
      </Section>
    );
  const isTyped = typed.replaceAll(/[\s.,’']/g, '') === String(eligible);
  const fields = start.error instanceof ApiError ? start.error.fields : {};
  return (
    <Section title="Start">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (isTyped) start.mutate();
        }}
      >
        <Stack gap="sm">
          <Text size="sm" maw={640}>
            Receivers get the same events again, with the same <code>webhook-id</code>. Each delivery is
            checked again when its turn comes, so that what has been replayed meanwhile is not sent twice.
          </Text>
          <Group align="flex-start" gap="md">
            <NumberInput
              label="New deliveries per second"
              description={
                rate === 0
                  ? 'As fast as they go'
                  : `Takes about ${needed(eligible, Number(rate))}; 0: no limit`
              }
              min={0}
              max={10_000}
              value={rate}
              onChange={setRate}
              error={fields.rate_per_second}
              w={240}
            />
            <TextInput
              label="Note for the record"
              description="Why it is replayed; optional"
              placeholder="after their deploy of 14:00"
              maxLength={500}
              value={note}
              onChange={({ currentTarget }) => setNote(currentTarget.value)}
              error={fields.note}
              flex="1 1 240px"
            />
          </Group>
          <Group align="flex-end" gap="md">
            <TextInput
              label={`Type ${count(eligible)} to confirm`}
              inputMode="numeric"
              autoComplete="off"
              value={typed}
              onChange={({ currentTarget }) => setTyped(currentTarget.value)}
              w={240}
            />
            <Button type="submit" disabled={!isTyped || rate === ''} loading={start.isPending}>
              Replay {count(eligible)}
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  );
}

const needed = (items: number, rate: number) =>
  rate > 0 ? duration(Math.max(items / rate, 1) * 1_000) : '—';
