import { Group, Text } from '@mantine/core';
import { ClassificationBadge } from '../../components/badges';
import { TextLink } from '../../components/text-link';
import { clock, duration } from '../../lib/format';
import type { LiveAttempt, LiveEvent } from '../../live/live-state';
import classes from './overview.module.css';

export const AttemptRow = ({ of }: { of: LiveAttempt }) => (
  <li>
    <Text c="dimmed" size="xs" span>
      {clock(of.started_at)}
    </Text>
    <Group gap={6} wrap="nowrap" miw={0}>
      <TextLink to="/deliveries/$id" params={{ id: of.delivery_id }} className={classes.cut}>
        {of.event_type}
      </TextLink>
      <Text c="dimmed" size="xs" span className={classes.cut}>
        {of.tenant}, attempt {of.number}
      </Text>
    </Group>
    <Group gap="xs" wrap="nowrap">
      <Text c="dimmed" size="xs" span>
        {of.http_status ?? 'no answer'} · {duration(of.latency_ms)}
      </Text>
      <ClassificationBadge value={of.classification} />
    </Group>
  </li>
);

export const EventRow = ({ of }: { of: LiveEvent }) => (
  <li>
    <Text c="dimmed" size="xs" span>
      {clock(of.created_at)}
    </Text>
    <span className={classes.cut}>
      <TextLink to="/events/$id" params={{ id: of.id }}>
        {of.type}
      </TextLink>
    </span>
    <Text c="dimmed" size="xs" span>
      {of.tenant}
    </Text>
  </li>
);
