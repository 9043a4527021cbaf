import { Checkbox, Text } from '@mantine/core';
import { useState } from 'react';
import { useBatchChange } from '../../api/batches';
import type { Batch } from '../../api/types';
import { ReasonButton } from '../../components/reason-button';
import { count } from '../../lib/format';

const UNDER_WAY = 'A request that is under way ends by itself, and counts if the receiver takes it.';

/** Ends a batch early. */
export function Cancel({ batch: { id, remaining_count: remaining } }: { batch: Batch }) {
  const change = useBatchChange(id);
  const [isRunning, setIsRunning] = useState(false);
  return (
    <ReasonButton
      label="Cancel replay"
      title="Cancel this replay?"
      color="red"
      action={(reason) => change.mutateAsync({ kind: 'cancel', running: isRunning, reason })}
    >
      <Text inherit mb="sm">
        {remaining > 0
          ? `${count(remaining)} that had no turn are not delivered. `
          : 'No further delivery is made. '}
        Deliveries without an attempt are cancelled. Those with an attempt go on with their retries. What has
        been delivered stays delivered; the rest can be started again later.
      </Text>
      <Checkbox
        label="Also cancel those that are being retried"
        description={UNDER_WAY}
        checked={isRunning}
        onChange={({ currentTarget }) => setIsRunning(currentTarget.checked)}
      />
    </ReasonButton>
  );
}

/** Cancels the deliveries of a batch that has ended early and go on with their retries. */
export function CancelOpen({ batch: { id, open_count: open } }: { batch: Batch }) {
  const change = useBatchChange(id);
  return (
    <ReasonButton
      label="Cancel its open deliveries"
      title="Cancel its open deliveries?"
      color="red"
      action={(reason) => change.mutateAsync({ kind: 'cancel', running: true, reason })}
    >
      <Text inherit mb="sm">
        {count(open)} go on with their retries now; they are cancelled. {UNDER_WAY}
      </Text>
    </ReasonButton>
  );
}
