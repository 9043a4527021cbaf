import { Group, Stack } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import type { components } from '../../api/schema';
import { PageHeader } from '../../components/page-header';
import { ButtonLink } from '../../components/button-link';
import { AdminsOnly } from '../../pages/endpoints/admins-only';
import { EndpointForm } from '../../pages/endpoints/endpoint-form';
import { newEndpointOf, valuesOf } from '../../pages/endpoints/form-values';
import { SecretText } from './secret-text';
import { TestSection } from '../../pages/endpoints/test-section';

type Made = components['schemas']['EndpointWithSecret'];

/** Adds an endpoint; then shows its secret, and offers a test. */
export function NewEndpoint() {
  const { changeEndpoints } = useCan();
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [made, setMade] = useState<Made | null>(null);
  if (!changeEndpoints) return <AdminsOnly />;
  if (made) return <Added endpoint={made} />;
  return (
    <>
      <PageHeader title="Add an endpoint" about="A URL of yours that events are sent to." />
      <EndpointForm
        initial={valuesOf({ event_types: ['*'] })}
        submitLabel="Add endpoint"
        submit={async (values) => {
          setMade(await data<Made>(api.POST('/v1/endpoints', { body: newEndpointOf(values) })));
          await queryClient.invalidateQueries({ queryKey: ['endpoints'] });
        }}
        cancel={() => void navigate({ to: '/endpoints' })}
      />
    </>
  );
}

const Added = ({ endpoint }: { endpoint: Made }) => (
  <Stack>
    <PageHeader title="Your endpoint is added" about={endpoint.url} />
    <SecretText secret={endpoint.secret} />
    <TestSection endpoint={endpoint} />
    <Group>
      <ButtonLink to="/endpoints/$id" params={{ id: endpoint.id }} variant="default">
        To the endpoint
      </ButtonLink>
    </Group>
  </Stack>
);
