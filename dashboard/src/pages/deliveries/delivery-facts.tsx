import { useQuery } from '@tanstack/react-query';
import { eventQuery } from '../../api/event';
import type { Delivery } from '../../api/types';
import { Facts } from '../../components/facts';
import { IdLink } from '../../components/id-link';
import { OutLink } from '../../components/out-link';
import { Copied } from '../../components/copied';
import { Section } from '../../components/section';
import { TimeAgo } from '../../components/time-ago';
import { dateTime } from '../../lib/format';
import { keyWords } from '../../lib/words';

export const DeliveryFacts = ({ delivery }: { delivery: Delivery }) => {
  const { data: event } = useQuery(eventQuery(delivery.event_id));
  return (
    <Section title="Details">
      <Facts
        of={{
          Delivery: <Copied text={delivery.id} />,
          Event: <IdLink id={delivery.event_id} />,
          'Idempotency key': event && keyWords(event),
          Endpoint: <IdLink id={delivery.endpoint_id} />,
          Tenant: delivery.tenant,
          Accepted: (
            <>
              {dateTime(delivery.created_at)} (<TimeAgo at={delivery.created_at} />)
            </>
          ),
          Ended: delivery.completed_at && dateTime(delivery.completed_at),
          'Repeats the delivery': delivery.source_delivery_id && <IdLink id={delivery.source_delivery_id} />,
          'Made by the replay': delivery.batch_id && <IdLink id={delivery.batch_id} />,
          'Temporal workflow': delivery.workflow_url ? (
            <OutLink to={delivery.workflow_url}>{delivery.workflow_id}</OutLink>
          ) : (
            `${delivery.workflow_id} (not started)`
          ),
        }}
      />
    </Section>
  );
};
