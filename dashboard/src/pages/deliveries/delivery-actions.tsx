import { Button, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { cancelDelivery, putDelivery, retryDelivery } from '../../api/deliveries';
import { canOperate } from '../../api/session';
import type { Delivery, DeliveryWithAttempts } from '../../api/types';
import { useSession } from '../../app/session';
import { ConfirmButton } from '../../components/confirm';
import { isOpen } from '../../../../src/domain/delivery';

export function DeliveryActions({ delivery }: { delivery: Delivery }) {
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [reason, setReason] = useState('');
  const put = (changed: DeliveryWithAttempts) => putDelivery(queryClient, changed);
  const cancel = useMutation({
    mutationFn: () => cancelDelivery(delivery.id, reason.trim() || undefined),
    onSuccess: put,
  });
  const retry = useMutation({
    mutationFn: () => retryDelivery(delivery),
    onSuccess(made) {
      put(made);
      if (made.id === delivery.id) return;
      notifications.show({ message: 'A new delivery was made. It repeats the one before.', color: 'teal' });
      void navigate({ to: '/deliveries/$id', params: { id: made.id } });
    },
  });
  if (!canOperate(useSession())) return null;
  if (!isOpen(delivery))
    return (
      <Button loading={retry.isPending} onClick={() => retry.mutate()}>
        Retry
      </Button>
    );
  const isHeld = delivery.status === 'HELD';
  return (
    <>
      <ConfirmButton
        label="Cancel delivery"
        title="Cancel this delivery?"
        color="red"
        action={() => cancel.mutateAsync()}
      >
        <Text size="sm">
          Nothing more is sent for it. An attempt under way ends by itself: if the endpoint takes it, it
          counts as delivered. It can be retried later.
        </Text>
        <TextInput
          label="Reason (optional)"
          maxLength={500}
          value={reason}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
        />
      </ConfirmButton>
      <Button
        loading={retry.isPending}
        disabled={isHeld}
        title={isHeld ? 'It is held: resume what holds it instead.' : undefined}
        onClick={() => retry.mutate()}
      >
        Retry now
      </Button>
    </>
  );
}
