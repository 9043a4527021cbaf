import { Alert, Button, Checkbox, Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { batchQuery } from '../../api/batches';
import { api, data } from '../../api/client';
import { ApiError } from '../../api/problem';
import { canOperate } from '../../api/session';
import { useSession } from '../../app/session';
import { useViewedTenant } from '../../app/view-as';
import { PageHeader } from '../../components/page-header';
import { Section } from '../../components/section';
import { count } from '../../lib/format';
import { resolved } from '../../lib/time-range';
import { takeChosen } from './chosen';
import { ReplayFilters } from './replay-filters';
import type { NewReplaySearch } from './search';

type Kind = 'chosen' | 'filter' | 'missing';

const ABOUT: Record<Kind, string> = {
  chosen: 'The deliveries that were selected in the list.',
  filter:
    'Ended deliveries that match the filters. Those that a replay or a retry by hand made are left out, unless “Replay id” names the replay.',
  missing:
    'Events that match an endpoint and never had a delivery to it: it was added later, or its filter was changed.',
};

/** Chooses what to replay; its dry run opens as a page of its own. */
export function NewReplay() {
  const given = useSearch({ from: '/signed-in/replay/new' });
  const viewed = useViewedTenant();
  const search = { ...given, tenant: given.tenant ?? viewed };
  const navigate = useNavigate({ from: '/replay/new' });
  const queryClient = useQueryClient();
  const session = useSession();
  const [chosen] = useState(takeChosen);
  const [isChosen, setIsChosen] = useState(chosen.length > 0);
  const kind: Kind = isChosen ? 'chosen' : search.missing ? 'missing' : 'filter';
  const change = (changed: Partial<NewReplaySearch>) =>
    void navigate({ search: (now) => ({ ...now, ...changed }), replace: true });
  const dryRun = useMutation({
    mutationFn: () =>
      data(api.POST('/v1/batches', { body: { ...bodyOf(kind, search, chosen), dry_run: true } })),
    meta: { showsErrors: true },
    onSuccess: async (batch) => {
      queryClient.setQueryData(batchQuery(batch.id).queryKey, batch);
      void queryClient.invalidateQueries({ queryKey: ['batches', 'list'] });
      await navigate({ to: '/replay/$id', params: { id: batch.id } });
    },
  });
  const kinds = [
    ...(chosen.length > 0 ? [{ value: 'chosen', label: `Selected (${count(chosen.length)})` }] : []),
    { value: 'filter', label: 'By filter' },
    { value: 'missing', label: 'Missed events' },
  ];
  return (
    <>
      <PageHeader
        title="New replay"
        about="Choose which deliveries to make again. Nothing is sent before you confirm."
      />
      <Section title="What to replay">
        <Stack gap="sm" align="flex-start">
          <SegmentedControl
            aria-label="What to choose by"
            data={kinds}
            value={kind}
            onChange={(value) => {
              setIsChosen(value === 'chosen');
              change({ missing: value === 'missing' || undefined });
            }}
          />
          <Text size="sm" c="dimmed" maw={640}>
            {ABOUT[kind]}
          </Text>
          {kind !== 'chosen' && <ReplayFilters kind={kind} search={search} onChange={change} />}
          {kind !== 'missing' && (
            <Checkbox
              label="Also those that were delivered: their receivers get them again"
              checked={search.include_delivered === true || search.status === 'DELIVERED'}
              disabled={search.status === 'DELIVERED'}
              onChange={({ currentTarget }) =>
                change({ include_delivered: currentTarget.checked || undefined })
              }
            />
          )}
          {dryRun.isError && (
            <Alert color="red" variant="light" role="alert" title="No plan was made">
              {reasons(dryRun.error)}
            </Alert>
          )}
          <Group gap="sm">
            <Button
              loading={dryRun.isPending}
              disabled={!canOperate(session) || (kind === 'missing' && !search.endpoint_id)}
              onClick={() => dryRun.mutate()}
            >
              Dry run
            </Button>
            <Text size="sm" c="dimmed">
              {canOperate(session)
                ? 'Shows what would be sent, and sends nothing.'
                : 'Your role may only read: an operator can replay.'}
            </Text>
          </Group>
        </Stack>
      </Section>
    </>
  );
}

function bodyOf(kind: Kind, search: NewReplaySearch, chosen: string[]) {
  const include_delivered = search.include_delivered === true || search.status === 'DELIVERED';
  if (kind === 'chosen') return { delivery_ids: chosen, include_delivered };
  const { tenant, endpoint_id, event_type, from, to, status, classification, batch_id } = resolved(search);
  if (kind === 'missing') return { filter: { missing: true, endpoint_id, event_type, from, to } };
  return {
    include_delivered,
    filter: { tenant, endpoint_id, event_type, from, to, status, classification, batch_id },
  };
}

const reasons = (error: Error): string => {
  const fields = error instanceof ApiError ? Object.entries(error.fields) : [];
  return fields.length > 0 ? fields.map(([path, message]) => `${path}: ${message}`).join(' ') : error.message;
};
