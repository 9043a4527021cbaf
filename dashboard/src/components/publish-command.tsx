import { Code, Group, Text } from '@mantine/core';
import type { Endpoint } from '../api/types';
import { useSession } from '../app/session';
import { quoted } from '../lib/curl';
import { CopyIcon } from './copied';
import { TextLink } from './text-link';

/** A command that publishes an event which the endpoint takes; null: an event of the tenant of the session. */
export function PublishCommand({ endpoint }: { endpoint: Pick<Endpoint, 'tenant' | 'event_types'> | null }) {
  const session = useSession();
  const tenant = endpoint?.tenant ?? session.tenant ?? undefined;
  const event = { tenant, type: typeFor(endpoint?.event_types), payload: { order: 1001, total: 49.9 } };
  const curl = `curl ${location.origin}/v1/events \\
  -H "Authorization: Bearer $SUREHOOK_KEY" \\
  -d ${quoted(JSON.stringify(event))}`;
  return (
    <>
      <Group gap={4} align="flex-start" wrap="nowrap">
        <Code block flex={1} miw={0} tabIndex={0} aria-label="Command that publishes an event">
          {curl}
        </Code>
        <CopyIcon text={curl} what="Copy the command" />
      </Group>
      <Text size="sm" mt="xs" c="dimmed">
        <code>SUREHOOK_KEY</code> is an API key with the role publisher or higher
        {session.role === 'admin' && (
          <>
            {' '}
            (
            <TextLink to="/api-keys" underline="always">
              create one
            </TextLink>
            )
          </>
        )}
        .
      </Text>
    </>
  );
}

/** A type that the endpoint subscribes to. */
const typeFor = ([pattern = '*']: string[] = []) =>
  pattern === '*' ? 'order.created' : pattern.replace(/\*$/, 'created');
