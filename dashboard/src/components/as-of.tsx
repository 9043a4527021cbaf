import { Text } from '@mantine/core';
import { clock, dateTime } from '../lib/format';

/** Above data that could not be read again: when they were read, and why not since. */
export function AsOf({ at, error }: { at: number; error: Error }) {
  const read = new Date(at);
  return (
    <Text size="sm" role="status">
      As of{' '}
      <time dateTime={read.toISOString()} title={dateTime(read)}>
        {clock(read)}
      </time>
      . {error.message}
    </Text>
  );
}
