import { useSyncExternalStore } from 'react';
import { dateTime, relative } from '../lib/format';
import { subscribeToNow } from '../lib/use-now';

/** `4 min ago`, or `in 40 s`; the date and time when pointed at. */
export function TimeAgo({ at }: { at: string }) {
  // Renders again only when the text is another: a list has many.
  const text = useSyncExternalStore(subscribeToNow, () => relative(at));
  return (
    <time dateTime={at} title={dateTime(at)}>
      {text}
    </time>
  );
}
