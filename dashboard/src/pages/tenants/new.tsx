import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, data } from '../../api/client';
import { PageHeader } from '../../components/page-header';
import { TenantForm } from './tenant-form';

export function NewTenant() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  return (
    <>
      <PageHeader title="New tenant" about="A customer of yours, with quotas of its own." />
      <TenantForm
        submitLabel="Create tenant"
        submit={async (body) => {
          const { id } = await data(api.POST('/v1/tenants', { body }));
          await queryClient.invalidateQueries({ queryKey: ['tenants'] });
          await navigate({ to: '/tenants/$id', params: { id } });
        }}
        cancel={() => void navigate({ to: '/tenants' })}
      />
    </>
  );
}
