import { Alert, Radio, Select, Stack, TextInput, Button, Group } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import { Empty } from '../../components/empty';
import { PageHeader } from '../../components/page-header';
import { localTime } from '../../lib/local-time';
import { endpointsQuery } from '../queries';
import { NotFound } from '../not-found';
import { ReplayPlan } from './replay-plan';
import { filterOf, type Choice } from './replay-choice';

const DAY_MS = 24 * 60 * 60 * 1000;
/** To the minute. */
const aDayAgo = () => localTime(new Date(Date.now() - DAY_MS).toISOString()).slice(0, 16);

/** Replays what failed, or what an endpoint never got, since a time. */
export function Replay() {
  const { endpoint_id } = useSearch({ from: '/signed-in/replay/new' });
  const { replay } = useCan();
  const { data: endpoints = [], isSuccess } = useQuery(endpointsQuery);
  const [what, setWhat] = useState<Choice['what']>('failed');
  const [endpointId, setEndpointId] = useState<string | null>(endpoint_id ?? null);
  const [since, setSince] = useState(aDayAgo);
  // Each request makes a plan: a query would send it again by itself.
  const plan = useMutation({
    mutationFn: (choice: Choice) =>
      data(
        api.POST('/v1/batches', { body: { filter: filterOf(choice), dry_run: true, note: 'portal: plan' } }),
      ),
    meta: { showsErrors: true },
  });
  if (!replay) return <NotFound />;
  const isWhole = !Number.isNaN(Date.parse(since)) && (what === 'failed' || endpointId !== null);
  // A plan is for what was chosen when it was made.
  const change =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      plan.reset();
      set(value);
    };
  return (
    <>
      <PageHeader title="Replay" about="Was your server down, or added later? Deliver what it missed." />
      {isSuccess && endpoints.length === 0 ? (
        <Empty title="There is nothing to replay">Add an endpoint first.</Empty>
      ) : (
        <Stack maw={640}>
          <Radio.Group
            label="What to replay"
            value={what}
            onChange={change((value: string) => setWhat(value as Choice['what']))}
          >
            <Stack gap="xs" mt={6}>
              <Radio
                value="failed"
                label="What failed"
                description="Deliveries that ended without success. What waits for its next attempt goes on by itself."
              />
              <Radio
                value="missing"
                label="What was never sent"
                description="Events from before the endpoint was added, or before it got their type."
              />
            </Stack>
          </Radio.Group>
          <Select
            label="Endpoint"
            placeholder={what === 'failed' ? 'All endpoints' : 'Choose an endpoint'}
            data={endpoints.map(({ id, url }) => ({ value: id, label: url }))}
            value={endpointId}
            onChange={change(setEndpointId)}
            clearable
            searchable
            required={what === 'missing'}
          />
          <TextInput
            label="Since"
            type="datetime-local"
            value={since}
            onChange={({ currentTarget }) => change(setSince)(currentTarget.value)}
            required
          />
          {plan.isError && (
            <Alert color="red" variant="light" role="alert" title="Nothing was counted">
              {plan.error.message}
            </Alert>
          )}
          {plan.data ? (
            <ReplayPlan made={plan.data} endpoints={endpoints} />
          ) : (
            <Group>
              <Button
                disabled={!isWhole}
                loading={plan.isPending}
                onClick={() => plan.mutate({ what, endpointId, since: new Date(since).toISOString() })}
              >
                Show what would be sent
              </Button>
            </Group>
          )}
        </Stack>
      )}
    </>
  );
}
