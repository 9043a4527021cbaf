import { Stack, Title } from '@mantine/core';
import { TextLink } from '../components/text-link';

export const NotFound = () => (
  <Stack align="center" gap="xs" p="xl">
    <Title order={1}>There is no such page</Title>
    <TextLink to="/endpoints">To the endpoints</TextLink>
  </Stack>
);
