import { Text, Tooltip } from '@mantine/core';
import { dateTime, relative } from '../lib/format';
import { useNow } from '../lib/use-now';

/** `4 min ago`, or `in 40 s`; the date and time when pointed at. */
export function TimeAgo({ at }: { at: string }) {
  const now = useNow();
  return (
    <Tooltip label={dateTime(at)} events={{ hover: true, focus: true, touch: true }}>
      <Text component="time" dateTime={at} inherit span>
        {relative(at, now)}
      </Text>
    </Tooltip>
  );
}
