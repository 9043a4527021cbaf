import { Button, Group, Stack, Text } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { patternsMatching } from '../../../../src/domain/event';
import { failingCondition } from '../../../../src/domain/filter-meaning';
import { LoadError } from '../../components/loaded';
import { filterProblem } from './form-problems';
import { filterOf, OPERATOR_WORDS, type FilterDraft } from './filter-draft';
import { recentEventsQuery, type RecentEvent } from './recent-events';
import { VerdictList, type Verdict } from './verdict-list';

interface Props {
  draft: FilterDraft;
  eventTypes: string[];
  tenant: string | undefined;
}

/** Which of the newest events the endpoint would get, as the form stands. Nothing is sent or saved. */
export function FilterTrial({ draft, eventTypes, tenant }: Props) {
  const events = useQuery({ ...recentEventsQuery(tenant), enabled: false });
  const problem = filterProblem({ filter: draft });
  const verdicts =
    events.data && !problem ? events.data.map((event) => verdictOf(event, draft, eventTypes)) : null;
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Button
          variant="default"
          size="xs"
          leftSection={<IconPlayerPlay size={14} />}
          loading={events.isFetching}
          onClick={() => void events.refetch()}
        >
          Try on recent events
        </Button>
        <Text size="xs" c="dimmed">
          Nothing is sent or saved. Follows your changes.
        </Text>
      </Group>
      {problem && events.data && <Text size="sm">The filter is not complete yet: {problem}</Text>}
      {events.isError && <LoadError error={events.error} again={() => void events.refetch()} />}
      {verdicts && <VerdictList verdicts={verdicts} />}
    </Stack>
  );
}

function verdictOf(event: RecentEvent, draft: FilterDraft, eventTypes: string[]): Verdict {
  const patterns = patternsMatching(event.type);
  const pattern = eventTypes.find((type) => patterns.includes(type));
  if (pattern === undefined) return { event, isReached: false, reason: 'None of the event types matches.' };
  const filter = filterOf(draft);
  const failing = filter === null ? null : failingCondition(filter as Record<string, unknown>, event.payload);
  return failing
    ? {
        event,
        isReached: false,
        reason: `Does not meet “${failing.map((key) => OPERATOR_WORDS[key] ?? key).join(' ')}”.`,
      }
    : { event, isReached: true, reason: `Matches ${pattern}${filter === null ? '' : ' and the filter'}.` };
}
