import { Badge, Tooltip } from '@mantine/core';
import type { Classification, DeliveryStatus } from '../api/types';
import { CLASSIFICATION_WORDS, STATUS_WORDS } from '../lib/words';

export const StatusBadge = ({ status }: { status: DeliveryStatus }) => {
  const { label, color } = STATUS_WORDS[status];
  return (
    <Badge color={color} variant="light" tt="none">
      {label}
    </Badge>
  );
};

export const ClassificationBadge = ({ value }: { value: Classification }) => {
  const { label, color, means } = CLASSIFICATION_WORDS[value];
  return (
    <Tooltip label={means} multiline maw={320} events={{ hover: true, focus: true, touch: true }}>
      <Badge color={color} variant="light" tt="none">
        {label}
      </Badge>
    </Tooltip>
  );
};

const ENDPOINT_COLORS = { enabled: 'teal', paused: 'grape', disabled: 'red' } as const;

export const EndpointBadge = ({ status }: { status: keyof typeof ENDPOINT_COLORS }) => (
  <Badge color={ENDPOINT_COLORS[status]} variant="light" tt="capitalize">
    {status}
  </Badge>
);
