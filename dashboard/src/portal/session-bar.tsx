import { Button, Group, Text } from '@mantine/core';
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query';
import { api, data } from '../api/client';
import { TimeAgo } from '../components/time-ago';
import { usePortal } from './use-portal';

/** Asked again and again: a session that was revoked shows its end without a click. */
const currentQuery = queryOptions({
  queryKey: ['portal-session'],
  queryFn: () => data(api.GET('/v1/portal-sessions/current')),
  refetchInterval: 10_000,
});

/** Whose webhooks these are, until when, and the way out. */
export function SessionBar() {
  const { session, close } = usePortal();
  useQuery(currentQuery);
  const leave = useMutation({
    mutationFn: () => api.POST('/v1/portal-sessions/current/revoke', { body: {} }),
    onSuccess: () => close(session, 'signed_out'),
  });
  return (
    <Group component="header" justify="space-between" gap="xs" mb="xs">
      <Text size="sm" c="dimmed">
        Webhooks of{' '}
        <Text span c="var(--portal-text)" fw={600}>
          {session.tenant}
        </Text>
      </Text>
      <Group gap="sm">
        <Text size="xs" c="dimmed">
          Session ends <TimeAgo at={session.expires_at} />
        </Text>
        <Button variant="default" size="compact-sm" loading={leave.isPending} onClick={() => leave.mutate()}>
          Sign out
        </Button>
      </Group>
    </Group>
  );
}
