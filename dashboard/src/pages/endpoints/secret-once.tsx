import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { Copied } from '../../components/copied';

/** Right after an endpoint was made: its secret, and where to go on. */
export const SecretOnce = ({
  secret,
  public_key,
  open,
}: {
  secret: string;
  public_key: string | null;
  open: () => void;
}) => (
  <Alert icon={<IconKey />} title="Copy the signing secret now" color="teal" variant="light" maw={860}>
    <Stack gap="sm">
      <Text size="sm">
        {public_key === null
          ? 'The receiver verifies with it that a request came from here. Give it to the receiver over a safe channel, and keep it out of code and chats.'
          : 'Requests are signed with the secret. The receiver verifies them with the public key, and never needs the secret.'}
      </Text>
      <Secret label="Signing secret" text={secret} />
      {public_key !== null && <Secret label="Public key" text={public_key} />}
      <Text size="sm" c="dimmed">
        It is not shown here again. Administrators can reveal it on the endpoint’s page; each time is in the
        audit.
      </Text>
      <Group>
        <Button onClick={open}>Go to the endpoint and send a test</Button>
      </Group>
    </Stack>
  </Alert>
);

export const Secret = ({ label, text }: { label: string; text: string }) => (
  <div role="group" aria-label={label}>
    <Text size="xs" c="dimmed">
      {label}
    </Text>
    <Copied text={text} />
  </div>
);
