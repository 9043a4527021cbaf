import { Button, Stack } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCan } from '../../api/api-context';
import { deliveryQuery, putDelivery, retryDelivery } from '../../api/deliveries';
import { eventQuery } from '../../api/event';
import type { Delivery, DeliveryWithAttempts } from '../../api/types';
import { CodeText } from '../../components/code-text';
import { Copied } from '../../components/copied';
import { EndpointName } from '../../components/endpoint-name';
import { Facts } from '../../components/facts';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { TextLink } from '../../components/text-link';
import { Section } from '../../components/section';
import { TimeAgo } from '../../components/time-ago';
import { isOpen } from '../../../../src/domain/delivery';
import { Attempts } from '../../pages/deliveries/attempts';
import { DeliveryState } from '../../pages/deliveries/delivery-state';

const route = getRouteApi('/signed-in/deliveries/$id');

/** An event on its way to an endpoint: its attempts in words, what was sent, and a way to retry it. */
export function DeliveryPage() {
  const { id } = route.useParams();
  const { replay } = useCan();
  const query = useQuery(deliveryQuery(id));
  return (
    <Loaded query={query}>
      {(delivery) => (
        <>
          <PageHeader
            title={delivery.event_type}
            about={
              <>
                to <EndpointName id={delivery.endpoint_id} />
              </>
            }
          >
            {replay && delivery.status !== 'HELD' && <Retry delivery={delivery} />}
          </PageHeader>
          <Stack>
            <DeliveryState delivery={delivery} />
            {/* Another delivery begins with its own attempt open. */}
            <Attempts key={id} delivery={delivery} />
            <Payload eventId={delivery.event_id} />
            <Details delivery={delivery} />
          </Stack>
        </>
      )}
    </Loaded>
  );
}

const Details = ({ delivery }: { delivery: Delivery }) => (
  <Section title="Details">
    <Facts
      of={{
        Endpoint: (
          <TextLink to="/endpoints/$id" params={{ id: delivery.endpoint_id }}>
            <EndpointName id={delivery.endpoint_id} />
          </TextLink>
        ),
        'Sent as webhook-id': <Copied text={delivery.event_id} />,
        Delivery: <Copied text={delivery.id} />,
        Accepted: <TimeAgo at={delivery.created_at} />,
        Ended: delivery.completed_at && <TimeAgo at={delivery.completed_at} />,
        Repeats: delivery.source_delivery_id && (
          <TextLink to="/deliveries/$id" params={{ id: delivery.source_delivery_id }}>
            an earlier delivery
          </TextLink>
        ),
      }}
    />
  </Section>
);

const Payload = ({ eventId }: { eventId: string }) => (
  <Section title="Payload">
    <Loaded query={useQuery(eventQuery(eventId))}>
      {({ payload }) => <CodeText text={payload} label="payload" />}
    </Loaded>
  </Section>
);

/** Retries a waiting delivery now, and an ended one as a new delivery, which is then shown. */
function Retry({ delivery }: { delivery: Delivery }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const retry = useMutation({
    mutationFn: () => retryDelivery(delivery),
    onSuccess: async (made: DeliveryWithAttempts) => {
      putDelivery(queryClient, made);
      if (made.id !== delivery.id) await navigate({ to: '/deliveries/$id', params: { id: made.id } });
    },
  });
  return (
    <Button loading={retry.isPending} onClick={() => retry.mutate()}>
      {isOpen(delivery) ? 'Retry now' : 'Retry'}
    </Button>
  );
}
