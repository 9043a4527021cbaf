import { Section } from '../../components/section';
import { Copied } from '../../components/copied';
import { Stack, Text } from '@mantine/core';

/** A secret in clear, with what it is for. */
export const SecretText = ({ secret }: { secret: string }) => (
  <Section title="Signing secret">
    <Stack gap="xs" align="flex-start">
      <Text size="sm">
        Keep it on your server. Each request has the header <code>webhook-signature</code>: verify it with
        this secret, and you know that the request is genuine.
      </Text>
      <Copied text={secret} />
    </Stack>
  </Section>
);
