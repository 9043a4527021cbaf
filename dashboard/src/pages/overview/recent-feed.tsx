import { Button, Group, SegmentedControl, Text } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { Section } from '../../components/section';
import type { LiveState } from '../../live/live-state';
import { useLive } from '../../live/use-live';
import { AttemptRow, EventRow } from './feed-rows';
import classes from './overview.module.css';

/** The newest events and attempts, and those that come. Paused, it stands still while it is read. */
export function RecentFeed() {
  const live = useLive();
  const [kind, setKind] = useState('attempts');
  const [frozen, setFrozen] = useState<LiveState | null>(null);
  const { attempts, events, hasEarlier } = frozen ?? live;
  const rows = kind === 'attempts' ? attempts : events;
  return (
    <Section
      title="As it happens"
      actions={
        <Group gap="xs">
          <SegmentedControl
            size="xs"
            aria-label="Show the newest"
            data={[
              { value: 'attempts', label: 'Attempts' },
              { value: 'events', label: 'Events' },
            ]}
            value={kind}
            onChange={setKind}
          />
          <Button
            size="xs"
            variant="default"
            leftSection={frozen ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
            onClick={() => setFrozen(frozen ? null : live)}
          >
            {frozen ? 'Go on' : 'Stand still'}
          </Button>
        </Group>
      }
    >
      {rows.length === 0 ? (
        hasEarlier && (
          <Text size="sm" c="dimmed">
            {kind === 'attempts' ? 'No attempt was made lately.' : 'No event was accepted lately.'} New ones
            show up here by themselves.
          </Text>
        )
      ) : (
        <ol className={classes.feed} aria-label={kind === 'attempts' ? 'Newest attempts' : 'Newest events'}>
          {kind === 'attempts'
            ? attempts.map((one) => <AttemptRow key={`${one.delivery_id} ${one.number}`} of={one} />)
            : events.map((one) => <EventRow key={one.id} of={one} />)}
        </ol>
      )}
    </Section>
  );
}
