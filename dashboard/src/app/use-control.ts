import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { api, data } from '../api/client';
import { controlQuery, type ControlScope } from '../api/control';
import { canOperate } from '../api/session';
import type { Control } from '../api/types';
import { useSession } from './session';

/** Everything that is paused now. */
export const useControl = () => useQuery(controlQuery);

/** The kill switch as the session may use it now; null: it may not. */
export function useKillSwitch(): 'pause' | 'resume' | null {
  const session = useSession();
  const { data: control } = useControl();
  if (!control || !canOperate(session) || session.tenant !== null) return null;
  return control.pauses.some(({ scope }) => scope === 'all') ? 'resume' : 'pause';
}

/** Stops sending, for everything or for a tenant. The form shows its errors. */
export function usePause() {
  return useMutation({
    mutationFn: (body: ControlScope & { reason: string }) => data(api.POST('/v1/control/pause', { body })),
    onSuccess: useChanged(),
    meta: { showsErrors: true },
  });
}

/** Sends again. */
export function useResume() {
  return useMutation({
    mutationFn: (body: ControlScope & { reason?: string }) => data(api.POST('/v1/control/resume', { body })),
    onSuccess: useChanged(),
  });
}

/** A pause shows in the status of deliveries, wherever they are listed: everything else is read again. */
function useChanged() {
  const queryClient = useQueryClient();
  return (control: Control) => {
    queryClient.setQueryData(controlQuery.queryKey, control);
    void queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'control' });
  };
}
