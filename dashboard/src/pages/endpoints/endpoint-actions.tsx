import { Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCan } from '../../api/api-context';
import { api } from '../../api/client';
import type { Endpoint } from '../../api/types';
import { ReasonButton } from '../../components/reason-button';
import { TypedConfirm } from '../../components/typed-confirm';

/** The actions that the status allows, each with what follows from it. */
const ACTIONS = {
  pause: {
    label: 'Pause',
    of: ['enabled'],
    words:
      'Nothing is sent to it until it is resumed. Its deliveries are held: nothing is lost, and other endpoints go on.',
  },
  resume: {
    label: 'Resume',
    of: ['paused'],
    words:
      'Its held deliveries go out again, the longest due first. Retries that are not due yet keep their time.',
  },
  enable: {
    label: 'Enable',
    of: ['disabled'],
    words:
      'Its held deliveries go out again, the longest due first. Send a test first, to see whether it answers.',
  },
  disable: {
    label: 'Disable',
    of: ['enabled', 'paused'],
    words: 'For an endpoint that is not in use. Its deliveries are held until it is enabled.',
  },
} as const;

export function EndpointActions({ endpoint: { id, url, status } }: { endpoint: Endpoint }) {
  const can = useCan();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const params = { path: { id } };
  const changed = () =>
    Promise.all([
      queryClient.invalidateQueries({ queryKey: ['endpoints'] }),
      queryClient.invalidateQueries({ queryKey: ['deliveries'] }),
    ]);
  const act = useMutation({
    mutationFn: ({ name, reason }: { name: keyof typeof ACTIONS; reason: string | undefined }) =>
      api.POST(`/v1/endpoints/{id}/${name}`, { params, body: { reason } }),
    onSuccess: changed,
  });
  const remove = useMutation({
    mutationFn: () => api.DELETE('/v1/endpoints/{id}', { params }),
    onSuccess: async () => {
      await navigate({ to: '/endpoints' });
      await changed();
    },
  });
  return (
    <>
      {can.operateEndpoints &&
        Object.entries(ACTIONS).map(
          ([name, { label, of, words }]) =>
            (of as readonly string[]).includes(status) && (
              <ReasonButton
                key={name}
                label={label}
                title={`${label} this endpoint`}
                action={(reason) => act.mutateAsync({ name: name as keyof typeof ACTIONS, reason })}
              >
                {words}
              </ReasonButton>
            ),
        )}
      {can.changeEndpoints && (
        <TypedConfirm
          label="Delete"
          title="Delete this endpoint"
          word={new URL(url).host}
          action={() => remove.mutateAsync()}
        >
          Its open deliveries end as failed, also held ones. Its past deliveries stay in the lists. This
          cannot be undone.
          <Text size="sm" mt="xs" fw={600}>
            {url}
          </Text>
        </TypedConfirm>
      )}
    </>
  );
}
