import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { eventQuery, type EventWithText } from '../../api/event';
import { CodeText } from '../../components/code-text';
import { Copied } from '../../components/copied';
import { Facts } from '../../components/facts';
import { HeaderList } from '../../components/header-list';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { Section } from '../../components/section';
import { TimeAgo } from '../../components/time-ago';
import { dateTime } from '../../lib/format';
import { keyWords } from '../../lib/words';
import { EventDeliveries } from './event-deliveries';

const route = getRouteApi('/signed-in/events/$id');

export function EventPage() {
  const { id } = route.useParams();
  const query = useQuery(eventQuery(id));
  return (
    <>
      <PageHeader title={query.data ? `Event ${query.data.type}` : 'Event'} about={id} />
      <Loaded query={query}>{(event) => <Parts event={event} />}</Loaded>
    </>
  );
}

const Parts = ({ event }: { event: EventWithText }) => (
  <Stack gap="md">
    <Section title="Details">
      <Facts
        of={{
          Event: <Copied text={event.id} />,
          Type: event.type,
          Tenant: event.tenant,
          'Idempotency key': keyWords(event),
          Accepted: (
            <>
              {dateTime(event.created_at)} (<TimeAgo at={event.created_at} />)
            </>
          ),
          'Content type': event.content_type,
          Workflow: event.workflow_id,
        }}
      />
    </Section>
    <EventDeliveries event={event} />
    <Section title="Payload">
      <CodeText text={event.payload} label="payload" />
    </Section>
    <Section title="Headers of the event">
      {event.headers === null ? (
        <Text size="sm" c="dimmed">
          None were posted. Headers of an event are sent with each of its deliveries.
        </Text>
      ) : (
        <HeaderList label="Headers of the event" headers={event.headers} />
      )}
    </Section>
  </Stack>
);
