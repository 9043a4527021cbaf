import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { api, data } from './client';
import type { Batch } from './types';

/** It still changes: something is planned, made or under way. */
export const isLive = ({ status, dry_run, completed_at, open_count }: Batch): boolean =>
  status === 'PLANNING' || (!dry_run && (completed_at === null || open_count > 0));

export const batchQuery = (id: string) =>
  queryOptions({
    queryKey: ['batches', id],
    queryFn: () => data(api.GET('/v1/batches/{id}', { params: { path: { id } } })),
    refetchInterval: ({ state }) =>
      state.data && isLive(state.data) ? (state.data.status === 'PAUSED' ? 3_000 : 1_000) : false,
  });

export type BatchChange =
  | { kind: 'pause' | 'resume' }
  | { kind: 'rate'; rate_per_second: number }
  | { kind: 'cancel'; running: boolean; reason?: string };

function change(id: string, wanted: BatchChange): Promise<Batch> {
  const params = { path: { id } };
  switch (wanted.kind) {
    case 'pause':
      return data(api.POST('/v1/batches/{id}/pause', { params }));
    case 'resume':
      return data(api.POST('/v1/batches/{id}/resume', { params }));
    case 'rate': {
      const { rate_per_second } = wanted;
      return data(api.PATCH('/v1/batches/{id}', { params, body: { rate_per_second } }));
    }
    case 'cancel': {
      const { running, reason } = wanted;
      return data(api.POST('/v1/batches/{id}/cancel', { params, body: { running, reason } }));
    }
  }
}

/** Pauses, resumes, slows down or cancels a batch. */
export function useBatchChange(id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (wanted: BatchChange) => change(id, wanted),
    onSuccess: (batch) => {
      queryClient.setQueryData(batchQuery(id).queryKey, batch);
      void queryClient.invalidateQueries({ queryKey: ['audit'] });
    },
    // A refusal says that the batch is in another state than is shown.
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['batches'] }),
  });
}
