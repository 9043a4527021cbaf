import { Group, Paper, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** A framed part of a page. */
export const Section = ({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}) => (
  <Paper component="section" withBorder p="md" aria-label={title}>
    <Group justify="space-between" mb="sm" gap="xs">
      <Title order={2}>{title}</Title>
      {actions && <Group gap="xs">{actions}</Group>}
    </Group>
    {children}
  </Paper>
);
