import type { CSSProperties } from 'react';
import type { Attempt, Delivery } from '../../api/types';
import { ClassificationBadge } from '../../components/badges';
import { follows, happened } from '../../../../src/domain/delivery-words';
import { clock, dateTime, duration } from '../../lib/format';
import { useNow } from '../../lib/use-now';
import { CLASSIFICATION_WORDS } from '../../lib/words';
import { AttemptDetails } from './attempt-details';
import classes from './attempts.module.css';

/** One attempt in the timeline: what happened and what follows; its request and answer when opened. */
export function AttemptItem({
  attempt,
  delivery,
  isOpen,
  onToggle,
}: {
  attempt: Attempt;
  delivery: Delivery;
  isOpen: boolean;
  onToggle: (isOpen: boolean) => void;
}) {
  const now = useNow();
  const { number, started_at, classification, latency_ms } = attempt;
  const { color } = CLASSIFICATION_WORDS[classification];
  return (
    <li className={classes.attempt}>
      <span
        className={classes.dot}
        style={{ '--dot': `var(--mantine-color-${color}-6)` } as CSSProperties}
        aria-hidden
      />
      <details open={isOpen} onToggle={({ currentTarget }) => onToggle(currentTarget.open)}>
        <summary className={classes.head}>
          <b>Attempt {number}</b>
          <time dateTime={started_at} title={dateTime(started_at)}>
            {clock(started_at)}
          </time>
          <ClassificationBadge value={classification} />
          <span className={classes.took}>took {duration(latency_ms)}</span>
          <span className={classes.sentence}>
            {happened(attempt)} {follows(attempt, delivery, now)}
          </span>
        </summary>
        {isOpen && <AttemptDetails attempt={attempt} delivery={delivery} />}
      </details>
    </li>
  );
}
