import { Text } from '@mantine/core';
import { Empty } from '../../components/empty';
import { SmallTable } from '../../components/small-table';
import { TimeAgo } from '../../components/time-ago';
import { Tag } from '../../components/tag';
import type { RecentEvent } from './recent-events';

export interface Verdict {
  event: RecentEvent;
  isReached: boolean;
  reason: string;
}

/** Recent events, each with whether the endpoint would get it, and why. */
export function VerdictList({ verdicts }: { verdicts: Verdict[] }) {
  if (verdicts.length === 0)
    return (
      <Empty title="There are no events yet to try it on">
        Events of this tenant show here as soon as some are published.
      </Empty>
    );
  const reached = verdicts.filter(({ isReached }) => isReached).length;
  return (
    <>
      <Text size="sm" role="status">
        {reached} of the newest {verdicts.length} events would be sent to this endpoint.
      </Text>
      <SmallTable
        label="Recent events"
        rows={verdicts}
        idOf={({ event }) => event.id}
        columns={[
          {
            header: 'Result',
            cell: ({ isReached }) => (
              <Tag color={isReached ? 'teal' : 'gray'}>{isReached ? 'Sent' : 'Not sent'}</Tag>
            ),
          },
          { header: 'Event type', cell: ({ event }) => event.type },
          { header: 'Why', cell: ({ reason }) => reason },
          { header: 'Accepted', cell: ({ event }) => <TimeAgo at={event.created_at} /> },
        ]}
      />
    </>
  );
}
