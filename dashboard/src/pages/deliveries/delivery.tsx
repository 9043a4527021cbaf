import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { deliveryQuery } from '../../api/deliveries';
import type { DeliveryWithAttempts } from '../../api/types';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { EndpointName } from '../../components/endpoint-name';
import { Attempts } from './attempts';
import { DeliveryActions } from './delivery-actions';
import { DeliveryFacts } from './delivery-facts';
import { DeliveryState } from './delivery-state';

const route = getRouteApi('/signed-in/deliveries/$id');

export function DeliveryPage() {
  const { id } = route.useParams();
  const query = useQuery(deliveryQuery(id));
  return (
    <>
      {query.data ? <Header delivery={query.data} /> : <PageHeader title="Delivery" about={id} />}
      <Loaded query={query}>
        {(delivery) => (
          <Stack gap="md">
            <DeliveryState delivery={delivery} />
            {/* Another delivery begins with its own attempt open. */}
            <Attempts key={delivery.id} delivery={delivery} />
            <DeliveryFacts delivery={delivery} />
          </Stack>
        )}
      </Loaded>
    </>
  );
}

const Header = ({ delivery }: { delivery: DeliveryWithAttempts }) => (
  <PageHeader
    title={`Delivery of ${delivery.event_type}`}
    about={
      <>
        to <EndpointName id={delivery.endpoint_id} />
      </>
    }
  >
    <DeliveryActions delivery={delivery} />
  </PageHeader>
);
