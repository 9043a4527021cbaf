import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, data } from '../api/client';
import { actionInWords } from '../lib/actions';
import { TextLink } from './text-link';
import { TimeAgo } from './time-ago';

const SHOWN = 20;

/** The newest changes of an object, as the audit has them. */
export function History({ of: object }: { of: string }) {
  const { data: entries } = useQuery({
    queryKey: ['audit', 'of', object],
    queryFn: () => data(api.GET('/v1/audit', { params: { query: { object, limit: SHOWN } } })),
  });
  if (!entries || entries.data.length === 0) return null;
  return (
    <div>
      <Text size="xs" c="dimmed">
        Changes, newest first
      </Text>
      {entries.data.map(({ id, at, actor, action, reason }) => (
        <Text key={id} size="sm">
          {actionInWords(action)} by {actor}, <TimeAgo at={at} />
          {reason && `: ${reason}`}
        </Text>
      ))}
      {entries.next_cursor !== null && (
        <Text size="sm">
          <TextLink to="/audit" search={{ object }}>
            All changes
          </TextLink>
        </Text>
      )}
    </div>
  );
}
