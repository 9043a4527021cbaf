import { Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, data } from '../../api/client';
import type { Batch } from '../../api/types';
import { ConfirmButton } from '../../components/confirm';
import { rateInWords } from './words';

/** Goes on with what a batch that ended early has left, as a new batch. */
export function StartRest({ batch: { id, rate_per_second } }: { batch: Batch }) {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const start = useMutation({
    mutationFn: () => data(api.POST('/v1/batches/{id}/start', { params: { path: { id } } })),
    onSuccess: async (rest) => {
      void queryClient.invalidateQueries({ queryKey: ['batches', 'list'] });
      await navigate({ to: '/replay/$id', params: { id: rest.id } });
    },
  });
  return (
    <ConfirmButton
      label="Start the rest"
      title="Start the rest of this replay?"
      action={() => start.mutateAsync()}
    >
      <Text size="sm">
        A new replay delivers what had no turn, and those of its deliveries that were cancelled, at{' '}
        {rateInWords(rate_per_second)}.
      </Text>
    </ConfirmButton>
  );
}
