import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { DeliveryStatus, LiveTick } from '../../api/types';
import { Section } from '../../components/section';
import { TextLink } from '../../components/text-link';
import { count, duration } from '../../lib/format';
import { useLive } from '../../live/use-live';
import classes from './overview.module.css';

/** Seconds overdue from which on a person should look: retries are up to 30 s late while Temporal is away. */
const LATE_SECONDS = 60;

interface Figure {
  label: string;
  value: ReactNode;
  about: string;
  needsAttention?: boolean;
}

/** The deliveries that have not ended, and how long those that arrive take. */
export function Now() {
  const { open, arrival, points } = useLive();
  const about = arrival || points.length === 0 ? 'of being accepted' : 'none arrived lately';
  const figures: Figure[] = [
    ...(open ? openFigures(open) : []),
    {
      label: 'Half arrive within',
      value: arrival ? duration(arrival.p50) : '–',
      about,
    },
    {
      label: '99 % arrive within',
      value: arrival ? duration(arrival.p99) : '–',
      about,
    },
  ];
  const isLate = open !== null && open.oldest_overdue_seconds > LATE_SECONDS;
  return (
    <Section title="Now">
      <dl className={classes.now}>
        {figures.map(({ label, value, about, needsAttention }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd data-attention={needsAttention}>{value}</dd>
            <dd className={classes.about}>{about}</dd>
          </div>
        ))}
      </dl>
      {isLate && (
        <Text size="sm" mt="sm">
          More is due than is sent. After a pause or an outage this is normal, and the figure shrinks. If it
          grows, look for one slow endpoint among the waiting deliveries, or start more processes.
        </Text>
      )}
    </Section>
  );
}

function openFigures(open: NonNullable<LiveTick['open']>): Figure[] {
  const late = open.oldest_overdue_seconds;
  return [
    { label: 'Waiting', value: <Of status="PENDING" n={open.PENDING} />, about: 'for the first attempt' },
    {
      label: 'Retrying',
      value: <Of status="IN_PROGRESS" n={open.IN_PROGRESS} />,
      about: 'after a failed attempt',
    },
    { label: 'Held', value: <Of status="HELD" n={open.HELD} />, about: 'by a pause' },
    {
      label: 'Overdue',
      value: count(open.overdue),
      about: late > 0 ? `the oldest by ${duration(late * 1_000)}` : 'nothing is late',
      needsAttention: late > LATE_SECONDS,
    },
    {
      label: 'Workflows to start',
      value: count(open.workflow_starts_waiting),
      about: 'in Temporal',
    },
  ];
}

const Of = ({ status, n }: { status: DeliveryStatus; n: number }) =>
  n === 0 ? (
    '0'
  ) : (
    <TextLink to="/deliveries" search={{ status }}>
      {count(n)}
    </TextLink>
  );
