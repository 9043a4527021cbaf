import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import { ClassificationBadge, StatusBadge } from '../../components/badges';
import { Empty } from '../../components/empty';
import { Loaded } from '../../components/loaded';
import { Section } from '../../components/section';
import { SmallTable } from '../../components/small-table';
import { TimeAgo } from '../../components/time-ago';
import { TextLink } from '../../components/text-link';

export function RecentDeliveries({ id }: { id: string }) {
  const can = useCan();
  const query = useQuery({
    queryKey: ['deliveries', 'of-endpoint', id, 'recent'],
    queryFn: () => data(api.GET('/v1/deliveries', { params: { query: { endpoint_id: id, limit: 10 } } })),
    refetchInterval: 5_000,
  });
  return (
    <Section
      title="Recent deliveries"
      actions={
        <>
          {can.replay && (
            <Button
              variant="default"
              size="xs"
              renderRoot={(props) => (
                <Link to="/replay/new" search={{ endpoint_id: id, status: 'FAILED' }} {...props} />
              )}
            >
              Replay failed
            </Button>
          )}
          <Button
            variant="default"
            size="xs"
            renderRoot={(props) => <Link to="/deliveries" search={{ endpoint_id: id }} {...props} />}
          >
            All deliveries
          </Button>
        </>
      }
    >
      <Loaded query={query}>
        {({ data: deliveries }) =>
          deliveries.length === 0 ? (
            <Empty title="No deliveries yet">
              Events of its types make deliveries from now on. “Send a test” shows whether it answers.
            </Empty>
          ) : (
            <SmallTable
              label="Recent deliveries"
              rows={deliveries}
              idOf={(delivery) => delivery.id}
              columns={[
                {
                  header: 'Event type',
                  cell: (delivery) => (
                    <TextLink to="/deliveries/$id" params={{ id: delivery.id }}>
                      {delivery.event_type}
                    </TextLink>
                  ),
                },
                {
                  header: 'Status',
                  cell: ({ status, next_attempt_at: nextAt }) => (
                    <StatusBadge status={status} nextAt={nextAt} />
                  ),
                },
                {
                  header: 'Last answer',
                  // The status says "Delivered" already.
                  cell: ({ status, last_classification: last }) =>
                    last && status !== 'DELIVERED' ? <ClassificationBadge value={last} /> : null,
                },
                { header: 'Attempts', isRight: true, cell: ({ attempt_count }) => attempt_count },
                { header: 'Accepted', cell: ({ created_at }) => <TimeAgo at={created_at} /> },
              ]}
            />
          )
        }
      </Loaded>
    </Section>
  );
}
