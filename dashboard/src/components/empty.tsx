import { Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';

/** In place of an empty list: why it is empty, and what to do. */
export const Empty = ({ title, children }: { title: string; children?: ReactNode }) => (
  <Stack align="center" gap="xs" py={48} px="md" ta="center">
    <Text fw={600}>{title}</Text>
    {children && (
      <Text component="div" c="dimmed" size="sm" maw={520}>
        {children}
      </Text>
    )}
  </Stack>
);
