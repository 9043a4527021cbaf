import { Group, List, SimpleGrid, Stack, Table, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Batch } from '../../api/types';
import { EndpointLink } from '../../components/endpoint-link';
import { Figure } from '../../components/figure';
import { Section } from '../../components/section';
import { count } from '../../lib/format';
import type { SkipReason } from '../../../../src/domain/batch';
import { SKIP_WORDS } from '../../../../src/domain/skip-words';

type BatchPlan = NonNullable<Batch['plan']>;

/** The content of a plan: how many deliveries, by endpoint and type, and those left out. */
export function Plan({ plan, isDryRun }: { plan: BatchPlan; isDryRun: boolean }) {
  const skipped = Object.entries(plan.skipped_by_reason) as [SkipReason, number][];
  return (
    <Section title={isDryRun ? 'What would happen' : 'The plan'}>
      <Stack>
        <Group gap="xl">
          <Figure label={isDryRun ? 'Would be replayed' : 'To replay'} value={plan.eligible} />
          <Figure label="Left out" value={plan.total - plan.eligible} />
          <Figure label="Found" value={plan.total} />
        </Group>
        {skipped.length > 0 && (
          <div>
            <Text fw={600} size="sm">
              Why some are left out
            </Text>
            <List size="sm">
              {skipped.map(([reason, times]) => (
                <List.Item key={reason}>
                  {count(times)}: {SKIP_WORDS[reason] ?? reason}
                </List.Item>
              ))}
            </List>
          </div>
        )}
        {plan.eligible > 0 && (
          <SimpleGrid cols={{ base: 1, md: 2 }}>
            <Counts
              title="Endpoint"
              rows={plan.by_endpoint.map(({ endpoint_id: id, count: times }) => [
                id,
                <EndpointLink key={id} id={id} />,
                times,
              ])}
            />
            <Counts
              title="Event type"
              rows={plan.by_event_type.map(({ event_type: type, count: times }) => [type, type, times])}
            />
          </SimpleGrid>
        )}
      </Stack>
    </Section>
  );
}

const Counts = ({
  title,
  rows,
}: {
  title: string;
  rows: [key: string, name: ReactNode, times: number][];
}) => (
  <Table fz="sm" aria-label={`By ${title.toLowerCase()}`} style={{ alignSelf: 'start' }}>
    <Table.Thead>
      <Table.Tr>
        <Table.Th>{title}</Table.Th>
        <Table.Th ta="right">Deliveries</Table.Th>
      </Table.Tr>
    </Table.Thead>
    <Table.Tbody>
      {rows.map(([key, name, times]) => (
        <Table.Tr key={key}>
          <Table.Td>{name}</Table.Td>
          <Table.Td ta="right">{count(times)}</Table.Td>
        </Table.Tr>
      ))}
    </Table.Tbody>
  </Table>
);
