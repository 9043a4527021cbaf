import { SegmentedControl, Text } from '@mantine/core';
import { useState } from 'react';
import type { DeliveryWithAttempts } from '../../api/types';
import { Section } from '../../components/section';
import { AttemptItem } from './attempt-item';
import classes from './attempts.module.css';

/** The attempts of a delivery as a timeline. The newest is open. */
export function Attempts({ delivery }: { delivery: DeliveryWithAttempts }) {
  const [order, setOrder] = useState('newest');
  const [toggled, setToggled] = useState<Record<string, boolean>>({});
  const byNumber = [...delivery.attempts].sort((a, b) => a.number - b.number);
  const attempts = order === 'newest' ? byNumber.toReversed() : byNumber;
  const newest = byNumber.at(-1);
  return (
    <Section
      title="Attempts"
      actions={
        <SegmentedControl
          size="xs"
          aria-label="Order"
          value={order}
          onChange={setOrder}
          data={[
            { value: 'newest', label: 'Newest first' },
            { value: 'oldest', label: 'Oldest first' },
          ]}
        />
      }
    >
      {attempts.length === 0 && (
        <Text size="sm" c="dimmed">
          Nothing has been sent yet. Attempts appear here by themselves.
        </Text>
      )}
      <ol className={classes.timeline} aria-label="Attempts">
        {attempts.map((attempt) => (
          <AttemptItem
            key={attempt.id}
            attempt={attempt}
            delivery={delivery}
            isOpen={toggled[attempt.id] ?? attempt === newest}
            onToggle={(isOpen) => setToggled((before) => ({ ...before, [attempt.id]: isOpen }))}
          />
        ))}
      </ol>
    </Section>
  );
}
