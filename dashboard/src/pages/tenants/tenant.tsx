import { useDisclosure } from '@mantine/hooks';
import { Stack } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { api, data } from '../../api/client';
import { canOperate } from '../../api/session';
import { useSession } from '../../app/session';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { PortalLink } from './portal-link';
import { PortalSessions } from './portal-sessions';
import { TenantActions } from './tenant-actions';
import { TenantFacts } from './tenant-facts';
import { TenantForm } from './tenant-form';

export function TenantPage() {
  const { id } = useParams({ from: '/signed-in/tenants/$id' });
  const session = useSession();
  const queryClient = useQueryClient();
  const [isEditing, { open: edit, close: show }] = useDisclosure();
  const params = { path: { id } };
  const query = useQuery({
    queryKey: ['tenants', 'one', id],
    queryFn: () => data(api.GET('/v1/tenants/{id}', { params })),
  });
  const name = query.data?.name;
  return (
    <>
      <PageHeader title={name ? `${name} (${id})` : id} about="A tenant: a customer of yours.">
        {query.data && !isEditing && <TenantActions id={id} edit={edit} />}
      </PageHeader>
      <Loaded query={query}>
        {(tenant) =>
          isEditing ? (
            <TenantForm
              known={tenant}
              submitLabel="Save changes"
              submit={async ({ name, metadata, max_endpoints, max_events_per_second }) => {
                const body = { name, metadata, max_endpoints, max_events_per_second };
                await data(api.PATCH('/v1/tenants/{id}', { params, body }));
                await queryClient.invalidateQueries({ queryKey: ['tenants'] });
                show();
              }}
              cancel={show}
            />
          ) : (
            <Stack>
              <TenantFacts tenant={tenant} />
              {canOperate(session) && <PortalLink tenant={id} />}
              <PortalSessions tenant={id} />
            </Stack>
          )
        }
      </Loaded>
    </>
  );
}
