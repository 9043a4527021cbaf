import { Text } from '@mantine/core';
import type { ApiKey } from '../../api/types';
import { TimeAgo } from '../../components/time-ago';
import { useNow } from '../../lib/use-now';

/** Whether a key works, and until when. */
export function KeyState({ of: { revoked_at, expires_at } }: { of: ApiKey }) {
  const now = useNow();
  if (revoked_at !== null)
    return (
      <Text span inherit c="dimmed">
        revoked <TimeAgo at={revoked_at} />
      </Text>
    );
  if (expires_at === null) return <>works</>;
  return Date.parse(expires_at) > now ? (
    <>
      ends <TimeAgo at={expires_at} />
    </>
  ) : (
    <Text span inherit c="dimmed">
      ended <TimeAgo at={expires_at} />
    </Text>
  );
}
