import { Select, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../../api/client';
import { ConfirmButton } from '../../components/confirm';

const OVERLAPS = [
  { value: '86400', label: 'for a day: the receiver changes over at any time within it' },
  { value: '604800', label: 'for 7 days' },
  { value: '3600', label: 'for an hour' },
  { value: '0', label: 'no longer: end it at once, because it has leaked' },
];
const KINDS = [
  { value: 'same', label: 'as now' },
  { value: 'hmac', label: 'HMAC-SHA256' },
  { value: 'ed25519', label: 'Ed25519' },
];

export function RotateSecret({ id, done }: { id: string; done: () => void }) {
  const queryClient = useQueryClient();
  const [overlap, setOverlap] = useState('86400');
  const [kind, setKind] = useState('same');
  const rotate = useMutation({
    mutationFn: async () => {
      const signature = kind === 'same' ? undefined : (kind as 'hmac' | 'ed25519');
      const body = { overlap_seconds: Number(overlap), signature };
      // The answer has the new secret, which only the page's reveal may show.
      await api.POST('/v1/endpoints/{id}/rotate-secret', { params: { path: { id } }, body });
    },
    gcTime: 0,
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: ['endpoints', id] });
      done();
    },
  });
  return (
    <ConfirmButton
      label="Rotate secret"
      title="Rotate the signing secret"
      color={overlap === '0' ? 'red' : undefined}
      action={() => rotate.mutateAsync()}
    >
      <Text size="sm">
        A new secret is made. As long as both are in force, each request has a signature by each of them, so
        nothing is refused while the receiver changes over.
      </Text>
      <Select
        label="The present secret signs on"
        data={OVERLAPS}
        value={overlap}
        onChange={(value) => value && setOverlap(value)}
        allowDeselect={false}
      />
      <Select
        label="Kind of the new one"
        data={KINDS}
        value={kind}
        onChange={(value) => value && setKind(value)}
        allowDeselect={false}
      />
      {overlap === '0' && (
        <Text size="sm" c="var(--mantine-color-error)">
          The receiver refuses all requests until it knows the new secret.
        </Text>
      )}
    </ConfirmButton>
  );
}
