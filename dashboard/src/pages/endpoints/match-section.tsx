import { Button, Group, Stack, Text } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import type { Endpoint } from '../../api/types';
import { LoadError } from '../../components/loaded';
import { Section } from '../../components/section';
import { typedPayload } from '../../lib/typed-payload';
import { recentEventsQuery, type RecentEvent } from './recent-events';
import { VerdictList, type Verdict } from './verdict-list';

/** Asks the server which recent events this endpoint would get as it is now, and why not the others. */
export function MatchSection({ endpoint }: { endpoint: Endpoint }) {
  const { id, tenant, updated_at, status } = endpoint;
  const query = useQuery({
    queryKey: ['endpoints', id, 'match', updated_at, status],
    queryFn: async ({ client }) => {
      const events = await client.fetchQuery({ ...recentEventsQuery(tenant), staleTime: 0 });
      const verdicts: Verdict[] = [];
      // One at a time: a key may ask three of these at once.
      for (const event of events) verdicts.push(await verdictOf(endpoint, event));
      return verdicts;
    },
    enabled: false,
  });
  return (
    <Section title="Which events does it get?">
      <Stack gap="xs">
        <Group gap="sm">
          <Button
            variant="default"
            size="xs"
            leftSection={<IconPlayerPlay size={14} />}
            loading={query.isFetching}
            onClick={() => void query.refetch()}
          >
            Check recent events
          </Button>
          <Text size="sm" c="dimmed">
            Its event types, filter and status are compared with the newest events. Nothing is sent.
          </Text>
        </Group>
        {query.isError && <LoadError error={query.error} again={() => void query.refetch()} />}
        {query.data && <VerdictList verdicts={query.data} />}
      </Stack>
    </Section>
  );
}

/** The endpoint is one of those of its tenant: pages are read until it comes. */
async function verdictOf({ id, tenant }: Endpoint, event: RecentEvent): Promise<Verdict> {
  const { type, payload, payloadText } = event;
  let cursor: string | undefined;
  do {
    const page = await data(
      api.POST('/v1/endpoints/match', {
        params: { query: { limit: 100, cursor } },
        body: { type, payload, tenant },
        bodySerializer: typedPayload(payloadText),
      }),
    );
    const match = page.data.find(({ endpoint_id }) => endpoint_id === id);
    if (match) {
      const { reached, pattern, reason } = match;
      return { event, isReached: reached, reason: reason ?? `Matches ${pattern}.` };
    }
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return { event, isReached: false, reason: 'The endpoint was deleted.' };
}
