import { Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { readDeliveries } from '../../api/deliveries';
import type { EventWithText } from '../../api/event';
import { readAgainIn } from '../../api/read-again';
import { canOperate } from '../../api/session';
import { useSession } from '../../app/session';
import { Loaded } from '../../components/loaded';
import { RowList } from '../../components/row-list';
import { Section } from '../../components/section';
import { NoEndpoint } from './no-endpoint';
import { DELIVERY_COLUMNS } from '../deliveries/columns';
import { setChosen } from '../replay/chosen';
import { idOf } from '../../lib/id-of';

/** The newest deliveries of an event, replays among them; read again while some are open. */
export function EventDeliveries({ event }: { event: EventWithText }) {
  const navigate = useNavigate();
  const mayOperate = canOperate(useSession());
  const query = useQuery({
    queryKey: ['event', event.id, 'deliveries'],
    queryFn: () => readDeliveries({ event_id: event.id })(undefined),
    refetchInterval: ({ state: { data, error } }) => readAgainIn(data?.data, error, 2_000),
  });
  const replay = () => {
    setChosen(query.data?.data.map(idOf) ?? []);
    void navigate({ to: '/replay/new' });
  };
  return (
    <Section
      title="Deliveries"
      actions={
        mayOperate && (query.data?.data.length ?? 0) > 0 ? (
          <Button size="xs" onClick={replay}>
            Replay…
          </Button>
        ) : undefined
      }
    >
      <Loaded query={query}>
        {({ data, next_cursor }) => (
          <>
            {data.length === 0 ? (
              <NoEndpoint event={event} />
            ) : (
              <RowList label="Deliveries of the event" rows={data} columns={DELIVERY_COLUMNS} idOf={idOf} />
            )}
            {next_cursor !== null && (
              <Text size="sm" mt="xs">
                These are the newest.{' '}
                <Link to="/deliveries" search={{ event_id: event.id }}>
                  All deliveries of the event
                </Link>
              </Text>
            )}
          </>
        )}
      </Loaded>
    </Section>
  );
}
