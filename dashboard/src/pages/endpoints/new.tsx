import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import { useSession } from '../../app/session';
import { useViewedTenant } from '../../app/view-as';
import { PageHeader } from '../../components/page-header';
import { AdminsOnly } from './admins-only';
import { EndpointForm } from './endpoint-form';
import { newEndpointOf, valuesOf } from './form-values';
import { SecretOnce } from './secret-once';

export function NewEndpoint() {
  const { changeEndpoints } = useCan();
  const session = useSession();
  const viewed = useViewedTenant();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [made, setMade] = useState<{
    id: string;
    url: string;
    secret: string;
    public_key: string | null;
  } | null>(null);
  if (made)
    return (
      <>
        <PageHeader title="The endpoint is ready" about={made.url} />
        <SecretOnce {...made} open={() => void navigate({ to: '/endpoints/$id', params: { id: made.id } })} />
      </>
    );
  return (
    <>
      <PageHeader
        title="Add an endpoint"
        about="A URL that receives webhooks of the event types you choose."
      />
      {changeEndpoints ? (
        <EndpointForm
          initial={valuesOf({ tenant: viewed ?? session.tenant ?? '' })}
          submitLabel="Add endpoint"
          submit={async (values) => {
            setMade(await data(api.POST('/v1/endpoints', { body: newEndpointOf(values) })));
            await queryClient.invalidateQueries({ queryKey: ['endpoints'] });
          }}
          cancel={() => void navigate({ to: '/endpoints' })}
        />
      ) : (
        <AdminsOnly />
      )}
    </>
  );
}
