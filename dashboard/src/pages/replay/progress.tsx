import { Group, Progress as Bar, Stack, Text } from '@mantine/core';
import { canOperate } from '../../api/session';
import type { Batch } from '../../api/types';
import { useSession } from '../../app/session';
import { Figure } from '../../components/figure';
import { Section } from '../../components/section';
import { count, duration } from '../../lib/format';
import { RateSlider } from './rate-slider';
import { rateInWords } from './words';

/** How far a replay is, as a bar and in figures. */
export function Progress({ batch, plan }: { batch: Batch; plan: NonNullable<Batch['plan']> }) {
  const session = useSession();
  const parts = [
    { label: 'Delivered', value: batch.delivered_count, color: 'teal.7' },
    { label: 'Failed', value: batch.failed_count, color: 'red.7' },
    { label: 'Cancelled', value: batch.cancelled_count, color: 'gray.6' },
    { label: 'Open', value: batch.open_count, color: 'blue.6' },
    { label: 'Left out at their turn', value: batch.skipped_at_turn_count, color: 'gray.4' },
  ];
  const isChangeable = batch.status === 'RUNNING' || batch.status === 'PAUSED';
  return (
    <Section title="Progress">
      <Stack>
        <Bar.Root size="xl" aria-label="Progress">
          {parts
            .filter(({ value }) => value > 0)
            .map(({ label, value, color }) => (
              <Bar.Section
                key={label}
                value={(100 * value) / Math.max(plan.eligible, 1)}
                color={color}
                aria-label={`${label}: ${count(value)} of ${count(plan.eligible)}`}
              />
            ))}
        </Bar.Root>
        <Group gap="xl" role="status" aria-live="off">
          <Figure label="Made" value={batch.created_count} />
          {parts
            .filter(
              ({ label, value }) =>
                value > 0 || label === 'Delivered' || label === 'Failed' || label === 'Open',
            )
            .map(({ label, value }) => (
              <Figure
                key={label}
                label={label}
                value={value}
                color={value > 0 && label === 'Failed' ? 'red' : undefined}
              />
            ))}
          {(isChangeable || batch.remaining_count > 0) && (
            <Figure
              label={isChangeable ? 'Wait for their turn' : 'Had no turn'}
              value={batch.remaining_count}
            />
          )}
        </Group>
        <Text size="sm" c="dimmed">
          {inWords(batch)}
        </Text>
        {isChangeable && canOperate(session) && <RateSlider id={batch.id} rate={batch.rate_per_second} />}
      </Stack>
    </Section>
  );
}

function inWords({
  status,
  remaining_count,
  open_count,
  rate_per_second: rate,
  completed_at,
}: Batch): string {
  const left =
    rate > 0 ? ` About ${duration((remaining_count / rate) * 1_000)} until the last has started.` : '';
  if (status === 'RUNNING')
    return remaining_count > 0
      ? `New deliveries are made at ${rateInWords(rate)}.${left}`
      : `All have started; ${count(open_count)} of them have not ended.`;
  if (status === 'PAUSED') return 'No further delivery starts. What has started goes on with its retries.';
  if (status === 'COMPLETED') return 'All of its deliveries have ended.';
  const going = open_count > 0 ? ` ${count(open_count)} that had started go on with their retries.` : '';
  const ending = completed_at === null ? ' Requests under way are ending.' : '';
  return remaining_count > 0
    ? `${count(remaining_count)} had no turn.${going}${ending}`
    : `${going}${ending}`.trim();
}
