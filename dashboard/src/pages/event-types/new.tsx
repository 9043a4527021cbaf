import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api, data } from '../../api/client';
import { PageHeader } from '../../components/page-header';
import { EventTypeForm } from './event-type-form';

export function NewEventType() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  return (
    <>
      <PageHeader title="New event type" about="A kind of event that endpoints can subscribe to." />
      <EventTypeForm
        submitLabel="Create event type"
        submit={async (body) => {
          const { name } = await data(
            api.POST('/v1/event-types', { body: { ...body, example: body.example ?? undefined } }),
          );
          await queryClient.invalidateQueries({ queryKey: ['event-types'] });
          await navigate({ to: '/event-types/$name', params: { name } });
        }}
        cancel={() => void navigate({ to: '/event-types' })}
      />
    </>
  );
}
