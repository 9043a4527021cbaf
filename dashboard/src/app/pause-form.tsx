import { Alert, Button, Group, List, Stack, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { ApiError } from '../api/problem';
import type { ControlScope } from '../api/control';
import { count } from '../lib/format';
import { useLive } from '../live/use-live';
import { usePause } from './use-control';

interface Props {
  scope: ControlScope;
  label: string;
  close: () => void;
}

export function PauseForm({ scope, label, close }: Props) {
  const { open } = useLive();
  const pause = usePause();
  const [reason, setReason] = useState('');
  const [isTried, setTried] = useState(false);
  const isMissing = reason.trim() === '';
  const refused = pause.error instanceof ApiError ? pause.error.fields.reason : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!isMissing) pause.mutate({ ...scope, reason: reason.trim() }, { onSuccess: close });
  };
  const subject = scope.scope === 'all' ? 'Nothing more is sent' : `Nothing more is sent for ${scope.tenant}`;
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <List size="sm" spacing={6}>
          <List.Item>
            {subject} within a second, by any process. Requests that are on their way end by themselves.
          </List.Item>
          <List.Item>Events are still accepted. Their deliveries are held until you resume.</List.Item>
          <List.Item>Nothing is lost: no attempt is used up, and no retry is forgotten.</List.Item>
          {scope.scope === 'all' && open && <List.Item>{waitingWords(open)}</List.Item>}
        </List>
        <TextInput
          label="Reason"
          description="Everybody reads it who wonders why nothing is sent. It is kept in the audit."
          placeholder="Such as: their firewall blocks us"
          required
          maxLength={500}
          data-autofocus
          value={reason}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
          error={isTried && isMissing ? 'Say why: a reason is required.' : refused}
        />
        {pause.isError && !refused && (
          <Alert color="red" variant="light" title="Not paused" role="alert">
            {pause.error.message}
          </Alert>
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={close}>
            Back
          </Button>
          <Button type="submit" color="red" loading={pause.isPending}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function waitingWords({
  PENDING,
  IN_PROGRESS,
  HELD,
}: {
  PENDING: number;
  IN_PROGRESS: number;
  HELD: number;
}) {
  const waiting = PENDING + IN_PROGRESS;
  const held = HELD > 0 ? ` ${count(HELD)} held already.` : '';
  if (waiting === 0) return `No delivery is waiting now.${held}`;
  const subject = waiting === 1 ? '1 delivery is' : `${count(waiting)} deliveries are`;
  return `${subject} waiting now, and will be held.${held}`;
}
