import { Group, Paper, Text } from '@mantine/core';
import type { Delivery } from '../../api/types';
import { StatusBadge } from '../../components/badges';
import { duration } from '../../lib/format';
import { isOpen } from '../../../../src/domain/delivery';
import { reasonInWords } from '../../../../src/domain/delivery-words';
import { useNow } from '../../lib/use-now';

/** How it stands with a delivery, in a sentence; counts down to its next attempt. */
export function DeliveryState({ delivery }: { delivery: Delivery }) {
  const now = useNow();
  return (
    <Paper component="section" withBorder p="md" aria-label="State">
      <Group gap="sm">
        <StatusBadge status={delivery.status} />
        <Text size="sm">{inWords(delivery, now)}</Text>
      </Group>
    </Paper>
  );
}

function inWords(delivery: Delivery, now: number): string {
  const { status, status_reason, attempt_count, max_attempts, next_attempt_at, completed_at } = delivery;
  const reason = reasonInWords(status_reason);
  const used = `${attempt_count} of ${max_attempts} attempts made.`;
  if (status === 'DELIVERED')
    return attempt_count === 1
      ? 'The endpoint took it at the first attempt.'
      : `The endpoint took it at attempt ${attempt_count}.`;
  if (completed_at === null && !isOpen(delivery)) return 'It ends with the attempt that is under way.';
  if (!isOpen(delivery)) return `${reason ?? ''} No attempt follows; a retry makes a new delivery.`.trim();
  if (status === 'HELD')
    return `Nothing is sent while this lasts, and nothing is lost. ${reason ? `Reason: ${reason}` : ''} ${used}`;
  const ms = next_attempt_at === null ? 0 : Date.parse(next_attempt_at) - now;
  const next = ms >= 1_000 ? `Next attempt in ${duration(ms)}.` : 'An attempt is due now, or under way.';
  return [next, used, reason && `Note: ${reason}`].filter(Boolean).join(' ');
}
