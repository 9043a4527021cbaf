import { Group, Text } from '@mantine/core';
import { EndpointBadge } from '../../components/badges';
import { TextLink } from '../../components/text-link';
import { Loaded } from '../../components/loaded';
import { Section } from '../../components/section';
import { SmallTable } from '../../components/small-table';
import { count, percent } from '../../lib/format';
import { useDayStats } from './use-day-stats';

const SHOWN = 8;

/** The endpoints with the most failed attempts of a day. */
export function WorstEndpoints() {
  const stats = useDayStats();
  return (
    <Section title="Endpoints that fail most">
      <Loaded query={stats}>
        {({ worst_endpoints: worst }) =>
          worst.length === 0 ? (
            <Text size="sm">No attempt failed in the last 24 hours.</Text>
          ) : (
            <SmallTable
              label="Endpoints that fail most"
              rows={worst.slice(0, SHOWN)}
              idOf={({ endpoint_id: id }) => id}
              columns={[
                {
                  header: 'Endpoint',
                  cell: ({ endpoint_id: id, url, tenant, status, deleted_at }) => (
                    <>
                      <TextLink to="/endpoints/$id" params={{ id }}>
                        {url}
                      </TextLink>
                      <Group gap={6}>
                        <Text size="xs" c="dimmed">
                          {tenant}
                          {deleted_at && ', deleted'}
                        </Text>
                        {!deleted_at && status !== 'enabled' && <EndpointBadge status={status} />}
                      </Group>
                    </>
                  ),
                },
                {
                  header: 'Failed attempts',
                  isRight: true,
                  cell: ({ attempts, failed_attempts: failed }) =>
                    `${count(failed)} of ${count(attempts)} (${percent(failed, attempts)})`,
                },
                {
                  header: 'Deliveries',
                  isRight: true,
                  cell: ({ endpoint_id }) => (
                    <TextLink to="/deliveries" search={{ endpoint_id }}>
                      Show
                    </TextLink>
                  ),
                },
              ]}
            />
          )
        }
      </Loaded>
    </Section>
  );
}
