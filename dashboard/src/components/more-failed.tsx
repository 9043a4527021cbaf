import { Button, Group, Text } from '@mantine/core';

/** Below a list whose next page could not be read. */
export const MoreFailed = ({ again }: { again: () => void }) => (
  <Group role="alert" justify="center" gap="xs" p="sm">
    <Text size="sm">Could not load more.</Text>
    <Button size="compact-sm" variant="default" onClick={again}>
      Try again
    </Button>
  </Group>
);
