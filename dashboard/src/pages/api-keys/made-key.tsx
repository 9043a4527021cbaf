import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import type { NewApiKey } from '../../api/types';
import { CopyIcon } from '../../components/copied';
import { quoted } from '../../lib/curl';

/** The only time that the key is shown, with a line that tries it. */
export function MadeKey({ made: { name, role, tenant, key }, done }: { made: NewApiKey; done: () => void }) {
  const curl = curlWith(role, tenant, key);
  return (
    <Stack>
      <Alert color="orange" variant="light" title="Copy it now">
        Nobody can see this key again: Surehook keeps only a hash of it.
      </Alert>
      <Shown label={`Key ${name}`} text={key} what="Copy the key" />
      <Shown label="Try it" text={curl} what="Copy the command" />
      <Group justify="flex-end">
        <Button onClick={done}>I have copied it</Button>
      </Group>
    </Stack>
  );
}

const Shown = ({ label, text, what }: { label: string; text: string; what: string }) => (
  <div role="group" aria-label={label}>
    <Group gap={4}>
      <Text size="sm" fw={600}>
        {label}
      </Text>
      <CopyIcon text={text} what={what} />
    </Group>
    <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
      {text}
    </Code>
  </div>
);

/** A publisher may post only; every other role may read. A tenant may have characters that a shell reads. */
function curlWith(role: NewApiKey['role'], tenant: string | null, key: string): string {
  const auth = `-H 'Authorization: Bearer ${key}'`;
  if (role !== 'publisher') return `curl ${auth} '${location.origin}/v1/deliveries?limit=1'`;
  const event = JSON.stringify({
    ...(tenant === null ? {} : { tenant }),
    type: 'order.created',
    payload: { id: 1 },
  });
  return `curl ${auth} ${location.origin}/v1/events -d ${quoted(event)}`;
}
