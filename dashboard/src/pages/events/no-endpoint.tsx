import { List, Text } from '@mantine/core';
import { useCan } from '../../api/api-context';
import type { EventWithText } from '../../api/event';
import { TextLink } from '../../components/text-link';

/** In place of the deliveries of an event that went to no endpoint: what to check, and how to deliver it after all. */
export function NoEndpoint({ event: { tenant, type } }: { event: EventWithText }) {
  const { changeEndpoints, replay } = useCan();
  return (
    <>
      <Text size="sm">None: no endpoint wanted this event when it was accepted.</Text>
      <List size="sm" mt="xs" spacing={4}>
        {changeEndpoints && (
          <List.Item>
            <TextLink to="/endpoints/new">Add an endpoint</TextLink> for the tenant {tenant}.
          </List.Item>
        )}
        <List.Item>
          Or look at{' '}
          <TextLink to="/endpoints" search={{ tenant }}>
            the endpoints of {tenant}
          </TextLink>
          : does one subscribe to {type}, and does its filter let this payload through? “Which events does it
          get?” on its page says why it takes an event or not.
        </List.Item>
        {replay && (
          <List.Item>
            Then{' '}
            <TextLink to="/replay/new" search={{ missing: true }}>
              replay the events that it missed
            </TextLink>
            .
          </List.Item>
        )}
      </List>
    </>
  );
}
