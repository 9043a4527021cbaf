import { Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useSite } from '../api/api-context';
import classes from './page-header.module.css';

/** Title of a page (also of the browser's tab), with a line that says what it shows, and its actions. */
export function PageHeader({
  title,
  about,
  children,
}: {
  title: string;
  about?: ReactNode;
  children?: ReactNode;
}) {
  useDocumentTitle(`${title} · ${useSite()}`);
  return (
    <Group component="header" justify="space-between" align="flex-start" gap="sm" mb="md">
      <Stack gap={2} miw={0}>
        <Title order={1}>{title}</Title>
        {about && (
          <Text component="div" c="dimmed" size="sm" className={classes.about}>
            {about}
          </Text>
        )}
      </Stack>
      {children && <Group gap="xs">{children}</Group>}
    </Group>
  );
}
