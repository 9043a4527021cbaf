import { Alert, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { ButtonLink } from '../../components/button-link';
import { PageHeader } from '../../components/page-header';
import { Section } from '../../components/section';
import { eventTypeQuery } from '../queries';
import { Loaded } from '../../components/loaded';
import { CodeText } from '../../components/code-text';

/** An event of the catalogue: its meaning, an example, and the schema of its payloads. */
export function EventTypePage() {
  const { name } = useParams({ from: '/signed-in/event-types/$name' });
  const query = useQuery(eventTypeQuery(name));
  return (
    <Loaded query={query}>
      {({ type, example, schema }) => (
        <>
          <PageHeader title={type.name} about={type.description}>
            <ButtonLink to="/event-types" variant="default">
              All events
            </ButtonLink>
          </PageHeader>
          <Stack>
            {type.archived && <Alert color="gray">This event is no longer for new endpoints.</Alert>}
            <Section title="Example">
              {example ? <CodeText text={example} label="example" /> : <None>There is no example.</None>}
            </Section>
            <Section title="Schema">
              {schema ? (
                <CodeText text={schema} label="schema" />
              ) : (
                <None>There is no JSON Schema: the payload may have any form.</None>
              )}
            </Section>
          </Stack>
        </>
      )}
    </Loaded>
  );
}

const None = ({ children }: { children: string }) => (
  <Text size="sm" c="dimmed">
    {children}
  </Text>
);
