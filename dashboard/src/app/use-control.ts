import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, data } from '../api/client';
import { controlQuery, type ControlScope } from '../api/control';

/** Stops sending, for everything or for a tenant. */
export function usePause() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (body: ControlScope & { reason: string }) => data(api.POST('/v1/control/pause', { body })),
    onSuccess: (control) => queryClient.setQueryData(controlQuery.queryKey, control),
  });
}

/** Sends again. */
export function useResume() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (body: ControlScope & { reason?: string }) => data(api.POST('/v1/control/resume', { body })),
    onSuccess: (control) => queryClient.setQueryData(controlQuery.queryKey, control),
  });
}
