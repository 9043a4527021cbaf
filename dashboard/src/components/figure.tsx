import { Text } from '@mantine/core';
import { count } from '../lib/format';

/** A number that matters, with its name above. */
export const Figure = ({ label, value, color }: { label: string; value: number; color?: string }) => (
  <div role="group" aria-label={label}>
    <Text size="xs" c="dimmed">
      {label}
    </Text>
    <Text fz={24} fw={650} lh={1.2} c={color}>
      {count(value)}
    </Text>
  </div>
);
