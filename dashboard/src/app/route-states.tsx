import { Anchor, Button, Center, Loader, Stack, Text, Title } from '@mantine/core';
import { Link, type ErrorComponentProps } from '@tanstack/react-router';

export const RoutePending = () => (
  <Center mih={240} role="status" aria-label="Loading">
    <Loader size="sm" />
  </Center>
);

export const NotFound = () => (
  <Stack align="center" gap="xs" p="xl">
    <Title order={1}>There is no such page</Title>
    <Anchor component={Link} to="/">
      To the overview
    </Anchor>
  </Stack>
);

/** A page that cannot be shown: its data did not come, or it has a fault. */
export const RouteError = ({ error, reset }: ErrorComponentProps) => (
  <Stack align="center" gap="sm" p="xl" role="alert">
    <Title order={1}>This page cannot be shown</Title>
    <Text c="dimmed">{error instanceof Error ? error.message : 'An unknown error.'}</Text>
    <Button variant="default" onClick={reset}>
      Try again
    </Button>
  </Stack>
);
