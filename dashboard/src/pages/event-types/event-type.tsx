import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { api, data } from '../../api/client';
import { useSession } from '../../app/session';
import { Loaded } from '../../components/loaded';
import { PageHeader } from '../../components/page-header';
import { TypedConfirm } from '../../components/typed-confirm';
import { EventTypeFacts } from './event-type-facts';
import { EventTypeForm } from './event-type-form';

export function EventTypePage() {
  const { name } = useParams({ from: '/signed-in/event-types/$name' });
  const isAdmin = useSession().role === 'admin';
  const [isEditing, { open: edit, close: show }] = useDisclosure();
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const params = { path: { name } };
  const query = useQuery({
    queryKey: ['event-types', 'one', name],
    queryFn: () => data(api.GET('/v1/event-types/{name}', { params })),
  });
  const changed = () => queryClient.invalidateQueries({ queryKey: ['event-types'] });
  const remove = useMutation({
    mutationFn: () => api.DELETE('/v1/event-types/{name}', { params }),
    onSuccess: async () => {
      await navigate({ to: '/event-types' });
      await changed();
    },
  });
  return (
    <>
      <PageHeader title={name} about={query.data?.description}>
        {query.data && isAdmin && !isEditing && (
          <>
            <Button variant="default" onClick={edit}>
              Edit
            </Button>
            <TypedConfirm
              label="Delete"
              title="Delete this event type"
              word={name}
              action={() => remove.mutateAsync()}
            >
              It leaves the catalogue. Its events are still accepted and delivered, whatever their payload. To
              keep it and allow no new subscriptions, archive it.
            </TypedConfirm>
          </>
        )}
      </PageHeader>
      <Loaded query={query}>
        {(type) =>
          isEditing ? (
            <EventTypeForm
              known={type}
              submitLabel="Save changes"
              submit={async ({ description, schema, example }) => {
                await data(
                  api.PATCH('/v1/event-types/{name}', { params, body: { description, schema, example } }),
                );
                await changed();
                show();
              }}
              cancel={show}
            />
          ) : (
            <EventTypeFacts type={type} isAdmin={isAdmin} changed={changed} />
          )
        }
      </Loaded>
    </>
  );
}
