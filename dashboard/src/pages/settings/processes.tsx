import { Table, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { processesQuery } from '../../api/overview';
import { Loaded } from '../../components/loaded';
import { Section } from '../../components/section';
import { TimeAgo } from '../../components/time-ago';

/** The processes that share the database, and whether they live. */
export function Processes() {
  const query = useQuery(processesQuery);
  return (
    <Section title="Processes">
      <Loaded query={query}>
        {({ data: processes }) => (
          <Table.ScrollContainer minWidth={520}>
            <Table fz="sm">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Process</Table.Th>
                  <Table.Th>State</Table.Th>
                  <Table.Th>Makes attempts</Table.Th>
                  <Table.Th>Started</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {processes.map(({ id, alive, heartbeat_at, paused, makes_attempts, started_at }) => (
                  <Table.Tr key={id}>
                    <Table.Td>{id}</Table.Td>
                    <Table.Td>
                      {alive ? (
                        paused === null ? (
                          'running'
                        ) : (
                          `paused by its file PAUSE: ${paused}`
                        )
                      ) : (
                        <Text span inherit c="red">
                          silent since <TimeAgo at={heartbeat_at} />
                        </Text>
                      )}
                    </Table.Td>
                    <Table.Td>{makes_attempts ? 'yes' : 'no'}</Table.Td>
                    <Table.Td>
                      <TimeAgo at={started_at} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Loaded>
    </Section>
  );
}
