import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import type { ApiKey } from '../../api/types';
import { ReasonButton } from '../../components/reason-button';

/** Ends a key for good. */
export function Revoke({ apiKey: { id, name } }: { apiKey: ApiKey }) {
  const queryClient = useQueryClient();
  const revoke = useMutation({
    mutationFn: (reason: string | undefined) =>
      data(api.POST('/v1/api-keys/{id}/revoke', { params: { path: { id } }, body: { reason } })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['api-keys'] }),
  });
  return (
    <ReasonButton
      label="Revoke"
      title={`Revoke the key ${name}?`}
      color="red"
      size="compact-xs"
      action={revoke.mutateAsync}
    >
      Within a second every request with it is refused. Sessions of this page and portal links that it made
      end, too. A revoked key cannot be given back: make a new one.
    </ReasonButton>
  );
}
