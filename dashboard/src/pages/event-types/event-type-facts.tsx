import { Code, Stack, Switch, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { components } from '../../api/schema';
import { Facts } from '../../components/facts';
import { prettyJson } from '../../components/json-area';
import { Section } from '../../components/section';
import { TimeAgo } from '../../components/time-ago';
import { TextLink } from '../../components/text-link';
import { Tag } from '../../components/tag';
import { SendExample } from './send-example';

type EventType = components['schemas']['EventType'];

export function EventTypeFacts({
  type,
  isAdmin,
  changed,
}: {
  type: EventType;
  isAdmin: boolean;
  changed: () => Promise<unknown>;
}) {
  const { name, archived, schema, example, created_at, updated_at } = type;
  const archive = useMutation({
    mutationFn: (archived: boolean) =>
      api.PATCH('/v1/event-types/{name}', { params: { path: { name } }, body: { archived } }),
    onSuccess: changed,
  });
  return (
    <Stack>
      <Section title="Details">
        <Facts
          of={{
            Status: <Tag color={archived ? 'gray' : 'teal'}>{archived ? 'Archived' : 'In use'}</Tag>,
            Payload: schema ? 'checked by the schema' : 'not checked',
            Created: <TimeAgo at={created_at} />,
            Changed: <TimeAgo at={updated_at} />,
            Events: (
              <TextLink to="/events" search={{ type: name }}>
                Events of this type
              </TextLink>
            ),
            Endpoints: (
              <TextLink to="/endpoints" search={{ event_type: name }}>
                Endpoints that name it
              </TextLink>
            ),
          }}
        />
        {isAdmin && (
          <Switch
            mt="md"
            label="Archived"
            description="Nothing new may subscribe to exactly this type. Its events are accepted and delivered as before."
            checked={archived}
            disabled={archive.isPending}
            onChange={({ currentTarget }) => archive.mutate(currentTarget.checked)}
          />
        )}
      </Section>
      {isAdmin && <SendExample type={type} />}
      <Listing title="Schema" value={schema} none="None: every payload is accepted." />
      <Listing
        title="Example"
        value={example}
        none="None yet. Customers see it, and tests are sent with it."
      />
    </Stack>
  );
}

const Listing = ({ title, value, none }: { title: string; value: unknown; none: string }) => (
  <Section title={title}>
    {value === null || value === undefined ? (
      <Text size="sm" c="dimmed">
        {none}
      </Text>
    ) : (
      <Code block mah={480} style={{ overflow: 'auto' }} tabIndex={0}>
        {prettyJson(value)}
      </Code>
    )}
  </Section>
);
