import { Stack, Title } from '@mantine/core';
import { LinkAnchor } from '../components/routed';

export const NotFound = () => (
  <Stack align="center" gap="xs" p="xl">
    <Title order={1}>There is no such page</Title>
    <LinkAnchor to="/endpoints">To the endpoints</LinkAnchor>
  </Stack>
);
