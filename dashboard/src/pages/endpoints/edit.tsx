import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import { endpointQuery } from '../../api/endpoint';
import type { Endpoint } from '../../api/types';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { AdminsOnly } from './admins-only';
import { EndpointForm } from './endpoint-form';
import { changesOf, valuesOf } from './form-values';

export function EditEndpoint() {
  const { id } = useParams({ from: '/signed-in/endpoints/$id/edit' });
  const { changeEndpoints } = useCan();
  const query = useQuery({ ...endpointQuery(id), staleTime: 0 });
  return (
    <>
      <PageHeader title="Edit endpoint" about={query.data?.url} />
      <Loaded query={query}>
        {(endpoint) => (changeEndpoints ? <EditForm endpoint={endpoint} /> : <AdminsOnly />)}
      </Loaded>
    </>
  );
}

function EditForm({ endpoint }: { endpoint: Endpoint }) {
  const { id } = endpoint;
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  // A change by somebody else meanwhile is kept: only what was changed here is sent.
  const [initial] = useState(() => valuesOf(endpoint));
  const back = () => navigate({ to: '/endpoints/$id', params: { id } });
  return (
    <EndpointForm
      initial={initial}
      isEdit
      submitLabel="Save changes"
      submit={async (values) => {
        const body = changesOf(initial, values);
        await data(api.PATCH('/v1/endpoints/{id}', { params: { path: { id } }, body }));
        await queryClient.invalidateQueries({ queryKey: ['endpoints'] });
        await back();
      }}
      cancel={() => void back()}
    />
  );
}
