import { Alert, Button, Group, Text } from '@mantine/core';
import { IconPlayerPauseFilled } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { controlQuery } from '../api/control';
import { dateTime } from '../lib/format';
import { canOperate } from '../api/session';
import { useResume } from './use-control';
import { useSession } from './session';

/** Seen on every page while everything is paused. */
export function PausedBanner() {
  const { data: control } = useQuery(controlQuery);
  const session = useSession();
  const resume = useResume();
  if (!control?.paused) return null;
  const pause = control.pauses.find(({ scope }) => scope === 'all');
  const mayResume = pause && canOperate(session) && session.tenant === null;
  return (
    <Alert
      variant="filled"
      color="red"
      mb="md"
      icon={<IconPlayerPauseFilled />}
      title="Everything is paused"
      role="alert"
    >
      <Group justify="space-between" gap="xs">
        <Text size="sm">
          {pause
            ? `Nothing is sent since ${dateTime(pause.paused_at)}: ${pause.reason}. Events are accepted and held.`
            : 'Nothing is sent while the file PAUSE exists. Events are accepted and held.'}
        </Text>
        {mayResume && (
          <Button
            variant="white"
            color="red"
            size="xs"
            loading={resume.isPending}
            onClick={() => resume.mutate({ scope: 'all' })}
          >
            Resume
          </Button>
        )}
      </Group>
    </Alert>
  );
}
