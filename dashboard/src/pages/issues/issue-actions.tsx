import { Button, Group } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import type { Issue } from '../../api/types';
import { ReasonButton } from '../../components/reason-button';

/** Acknowledges or reopens an issue, and pauses its endpoint. */
export function IssueActions({ issue: { id, status, endpoint_id, endpoint_status } }: { issue: Issue }) {
  const queryClient = useQueryClient();
  const path = { id };
  const onSuccess = () => queryClient.invalidateQueries({ queryKey: ['issues'] });
  const acknowledge = useMutation({
    mutationFn: (note: string | undefined) =>
      data(api.POST('/v1/issues/{id}/acknowledge', { params: { path }, body: { note } })),
    onSuccess,
  });
  const reopen = useMutation({
    mutationFn: () => data(api.POST('/v1/issues/{id}/reopen', { params: { path } })),
    onSuccess,
  });
  const pause = useMutation({
    mutationFn: (reason: string | undefined) =>
      data(api.POST('/v1/endpoints/{id}/pause', { params: { path: { id: endpoint_id } }, body: { reason } })),
    onSuccess: async () => {
      await Promise.all([onSuccess(), queryClient.invalidateQueries({ queryKey: ['endpoints'] })]);
    },
  });
  return (
    <Group gap="xs">
      {endpoint_status === 'enabled' && (
        <ReasonButton
          label="Pause endpoint"
          title="Pause this endpoint?"
          size="xs"
          action={pause.mutateAsync}
        >
          Nothing more is sent to it. Its events are accepted and held; nothing is lost, and no attempt is
          used up. They go out when it is resumed.
        </ReasonButton>
      )}
      {status === 'open' ? (
        <ReasonButton
          label="Acknowledge"
          title="Acknowledge this issue?"
          size="xs"
          action={acknowledge.mutateAsync}
        >
          It leaves the list of open issues until it fails again. Deliveries are not changed.
        </ReasonButton>
      ) : (
        <Button size="xs" variant="default" loading={reopen.isPending} onClick={() => reopen.mutate()}>
          Reopen
        </Button>
      )}
    </Group>
  );
}
