import { Text } from '@mantine/core';
import type { Classification, DeliveryStatus } from '../api/types';
import { CLASSIFICATION_WORDS, STATUS_WORDS } from '../lib/words';
import { CLASSIFICATION_MEANINGS } from '../../../src/domain/classification-meanings';
import { Tag } from './tag';
import { Countdown } from './time-ago';

/** The status of a delivery; while it waits for its retry, with the time until then. */
export const StatusBadge = ({
  status,
  nextAt = null,
}: {
  status: DeliveryStatus;
  nextAt?: string | null;
}) => {
  const { label, color } = STATUS_WORDS[status];
  return (
    <>
      <Tag color={color}>{label}</Tag>
      {status === 'IN_PROGRESS' && nextAt !== null && (
        <Text span size="xs" c="dimmed" ml={6}>
          <Countdown to={nextAt} />
        </Text>
      )}
    </>
  );
};

export const ClassificationBadge = ({ value }: { value: Classification }) => {
  const { label, color } = CLASSIFICATION_WORDS[value];
  return (
    <Tag color={color} title={CLASSIFICATION_MEANINGS[value]}>
      {label}
    </Tag>
  );
};

const ENDPOINT_WORDS = {
  enabled: { label: 'Enabled', color: 'teal' },
  paused: { label: 'Paused', color: 'grape' },
  disabled: { label: 'Disabled', color: 'red' },
} as const;

/** `isFailing`: shown in place of "Enabled". */
export const EndpointBadge = ({
  status,
  isFailing = false,
}: {
  status: keyof typeof ENDPOINT_WORDS;
  isFailing?: boolean;
}) => {
  const { label, color } =
    isFailing && status === 'enabled' ? { label: 'Failing', color: 'red' } : ENDPOINT_WORDS[status];
  return <Tag color={color}>{label}</Tag>;
};
