import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { processesQuery } from '../../api/overview';
import { Loaded } from '../../components/loaded';
import { Section } from '../../components/section';
import { SmallTable } from '../../components/small-table';
import { TimeAgo } from '../../components/time-ago';

/** The processes that share the database, and whether they live. */
export function Processes() {
  const query = useQuery(processesQuery);
  return (
    <Section title="Processes">
      <Loaded query={query}>
        {({ data: processes }) => (
          <SmallTable
            label="Processes"
            rows={processes}
            idOf={({ id }) => id}
            columns={[
              { header: 'Process', cell: ({ id }) => id },
              {
                header: 'State',
                cell: ({ alive, paused, heartbeat_at }) => {
                  if (alive) return paused === null ? 'running' : `paused by its file PAUSE: ${paused}`;
                  return (
                    <Text span inherit c="red">
                      silent since <TimeAgo at={heartbeat_at} />
                    </Text>
                  );
                },
              },
              { header: 'Makes attempts', cell: ({ makes_attempts }) => (makes_attempts ? 'yes' : 'no') },
              { header: 'Started', cell: ({ started_at }) => <TimeAgo at={started_at} /> },
            ]}
          />
        )}
      </Loaded>
    </Section>
  );
}
