import { Button } from '@mantine/core';
import { IconArrowUp, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { count } from '../lib/format';
import classes from './live-switch.module.css';

/**
 * Whether new rows come in by themselves, with a switch. `isAway`: the server did not answer; `newest`: only so many rows are
 * read again; null: all.
 */
export function LiveSwitch({
  isPaused,
  isAway,
  newest,
  onChange,
}: {
  isPaused: boolean;
  isAway: boolean;
  newest: number | null;
  onChange: (isPaused: boolean) => void;
}) {
  const [state, words] = isPaused
    ? ['paused', 'Paused']
    : isAway
      ? ['away', 'Reconnecting']
      : ['live', newest === null ? 'Live' : `Live, newest ${count(newest)}`];
  const Icon = isPaused ? IconPlayerPlay : IconPlayerPause;
  return (
    <Button
      variant="default"
      size="sm"
      leftSection={<span className={classes.dot} data-state={state} />}
      rightSection={<Icon size={14} aria-hidden />}
      aria-pressed={!isPaused}
      title={isPaused ? 'Let new rows come in by themselves' : 'Keep new rows out for now'}
      onClick={() => onChange(!isPaused)}
    >
      {words}
    </Button>
  );
}

/** Rows that came while the list is paused or scrolled down. */
export function WaitingRows({
  waiting,
  hasMore,
  show,
}: {
  waiting: number;
  hasMore: boolean;
  show: () => void;
}) {
  if (waiting === 0) return null;
  return (
    <div className={classes.waiting}>
      <Button
        size="xs"
        radius="xl"
        leftSection={<IconArrowUp size={14} aria-hidden />}
        onClick={() => {
          show();
          window.scrollTo({ top: 0 });
        }}
      >
        {count(waiting)}
        {hasMore && '+'} new
      </Button>
    </div>
  );
}
