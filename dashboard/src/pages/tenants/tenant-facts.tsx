import { Alert, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { controlQuery } from '../../api/control';
import type { components } from '../../api/schema';
import { Facts } from '../../components/facts';
import { Section } from '../../components/section';
import { TimeAgo } from '../../components/time-ago';
import { count, dateTime } from '../../lib/format';
import { TextLink } from '../../components/text-link';
import { quota } from './columns';

/** Open deliveries are counted up to this number. */
const COUNTED = 10_000;

export function TenantFacts({ tenant }: { tenant: components['schemas']['Tenant'] }) {
  const { id, endpoint_count, open_delivery_count: open, metadata } = tenant;
  const { data: control } = useQuery(controlQuery);
  const pause = control?.pauses.find((one) => one.tenant === id);
  const entries = Object.entries(metadata);
  return (
    <>
      {pause && (
        <Alert color="grape" variant="light" title="This tenant is paused">
          Nothing is sent for it since {dateTime(pause.paused_at)}: {pause.reason}. Paused by{' '}
          {pause.paused_by}. Its events are accepted and held.
        </Alert>
      )}
      <Section
        title="Details"
        actions={
          <Group gap="md" fz="sm">
            <TextLink to="/endpoints" search={{ tenant: id }}>
              Endpoints
            </TextLink>
            <TextLink to="/events" search={{ tenant: id }}>
              Events
            </TextLink>
            <TextLink to="/deliveries" search={{ tenant: id }}>
              Deliveries
            </TextLink>
          </Group>
        }
      >
        <Facts
          of={{
            Endpoints: `${count(endpoint_count)} (at most: ${quota(tenant.max_endpoints)})`,
            'Events per second at most': quota(tenant.max_events_per_second),
            'Open deliveries': open >= COUNTED ? `${count(COUNTED)} or more` : count(open),
            Metadata:
              entries.length > 0 ? entries.map(([name, value]) => `${name}: ${value}`).join(', ') : null,
            Created: <TimeAgo at={tenant.created_at} />,
            Changed: <TimeAgo at={tenant.updated_at} />,
          }}
        />
      </Section>
    </>
  );
}
