import { Button } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../../api/client';
import { controlQuery } from '../../api/control';
import { canOperate } from '../../api/session';
import { PauseButton } from '../../app/pause-button';
import { ResumeButton } from '../../app/resume-button';
import { useSession } from '../../app/session';
import { useViewedTenant, viewTenant } from '../../app/view-as';
import { TypedConfirm } from '../../components/typed-confirm';

export function TenantActions({ id, edit }: { id: string; edit: () => void }) {
  const session = useSession();
  const viewed = useViewedTenant();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const { data: control } = useQuery(controlQuery);
  const remove = useMutation({
    mutationFn: () => api.DELETE('/v1/tenants/{id}', { params: { path: { id } } }),
    onSuccess: async () => {
      if (viewed === id) viewTenant(null);
      await navigate({ to: '/tenants' });
      await queryClient.invalidateQueries({ queryKey: ['tenants'] });
    },
  });
  const scope = { scope: 'tenant', tenant: id } as const;
  const isPaused = control?.pauses.some(({ tenant }) => tenant === id);
  const isAboveTenants = session.tenant === null;
  return (
    <>
      {isAboveTenants && viewed !== id && (
        <Button variant="default" leftSection={<IconEye size={16} />} onClick={() => viewTenant(id)}>
          View as this tenant
        </Button>
      )}
      {canOperate(session) &&
        control &&
        (isPaused ? <ResumeButton scope={scope} /> : <PauseButton scope={scope} />)}
      {session.role === 'admin' && (
        <Button variant="default" onClick={edit}>
          Edit
        </Button>
      )}
      {session.role === 'admin' && isAboveTenants && (
        <TypedConfirm label="Delete" title="Delete this tenant" word={id} action={() => remove.mutateAsync()}>
          Its portal sessions end. Its history stays. It must have no endpoints, open deliveries or API keys:
          remove those first.
        </TypedConfirm>
      )}
    </>
  );
}
