import { Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useCan } from '../../api/api-context';
import { api, data } from '../../api/client';
import type { components } from '../../api/schema';
import { useSession } from '../../app/session';
import { useViewedTenant } from '../../app/view-as';
import { PageHeader } from '../../components/page-header';
import { PublishCommand } from '../../components/publish-command';
import { Section } from '../../components/section';
import { TextLink } from '../../components/text-link';
import { AdminsOnly } from './admins-only';
import { EndpointForm } from './endpoint-form';
import { newEndpointOf, valuesOf } from './form-values';
import { SecretOnce } from './secret-once';

/** Without a key, the answer is always that of a new endpoint. */
type Made = components['schemas']['EndpointWithSecret'];

export function NewEndpoint() {
  const { changeEndpoints } = useCan();
  const session = useSession();
  const viewed = useViewedTenant();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const [made, setMade] = useState<Made | null>(null);
  if (made)
    return (
      <>
        <PageHeader title="The endpoint is ready" about={made.url} />
        <Stack maw={860}>
          <SecretOnce
            {...made}
            open={() => void navigate({ to: '/endpoints/$id', params: { id: made.id } })}
          />
          <Section title="Next: publish an event">
            <PublishCommand endpoint={made} />
            <Text size="sm" mt="xs">
              Or choose one of the <TextLink to="/event-types">event types</TextLink>: its page can send an
              example.
            </Text>
          </Section>
        </Stack>
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
            setMade(await data<Made>(api.POST('/v1/endpoints', { body: newEndpointOf(values) })));
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
