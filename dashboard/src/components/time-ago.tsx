import { useSyncExternalStore } from 'react';
import { dateTime, relative } from '../lib/format';
import { subscribeToNow } from '../lib/use-now';

/** A time in words that follow the clock; the date and time when pointed at. */
function Ticking({ at, inWords }: { at: string; inWords: (at: string) => string }) {
  // Renders again only when the text is another: a list has many.
  const text = useSyncExternalStore(subscribeToNow, () => inWords(at));
  return (
    <time dateTime={at} title={dateTime(at)}>
      {text}
    </time>
  );
}

/** `4 min ago`, or `in 40 s`. */
export const TimeAgo = ({ at }: { at: string }) => <Ticking at={at} inWords={relative} />;

/** `in 40 s`, and `now` from then on. */
export const Countdown = ({ to }: { to: string }) => <Ticking at={to} inWords={until} />;

const until = (at: string): string => (Date.parse(at) - Date.now() < 1_000 ? 'now' : relative(at));
