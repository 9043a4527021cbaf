import { Alert, Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, data } from '../../api/client';
import type { components } from '../../api/schema';
import { useViewedTenant } from '../../app/view-as';
import { JsonArea, prettyJson, readJson } from '../../components/json-area';
import { Section } from '../../components/section';
import { TenantInput } from '../../components/tenant-input';
import { fieldErrors } from '../../lib/field-errors';
import { TextLink } from '../../components/text-link';
import { typedPayload } from '../../lib/typed-payload';

/** Publishes a real event of the type, after a question. */
export function SendExample({ type: { name, example } }: { type: components['schemas']['EventType'] }) {
  const viewed = useViewedTenant();
  const queryClient = useQueryClient();
  const [isAsking, { open, close }] = useDisclosure();
  const [tenant, setTenant] = useState(viewed ?? '');
  const [text, setText] = useState(() => prettyJson(example));
  const { value, fault } = readJson(text);
  const send = useMutation({
    mutationFn: () =>
      data(
        api.POST('/v1/events', {
          body: { type: name, payload: value, tenant: tenant.trim() || undefined },
          bodySerializer: typedPayload(text),
        }),
      ),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['events'] }),
    onSettled: close,
    meta: { showsErrors: true },
  });
  const errors = send.isError ? fieldErrors(send.error, ['payload', 'tenant']) : {};
  const whose = tenant.trim() || 'default';
  return (
    <Section title="Send an example">
      <Stack gap="sm" maw={860}>
        <Text size="sm" c="dimmed">
          Publishes a real event. It is delivered to every endpoint of the tenant that subscribes to it.
        </Text>
        <TenantInput
          label="Tenant"
          description="Empty: the tenant default."
          value={tenant}
          onChange={setTenant}
          error={errors.tenant}
        />
        <JsonArea
          label="Payload"
          value={text}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
          error={fault ?? errors.payload}
        />
        <Group>
          <Button variant="default" onClick={open} disabled={fault !== null || value === undefined}>
            Send example
          </Button>
        </Group>
        {errors[''] && (
          <Alert color="red" variant="light" title="Not sent" role="alert">
            {errors['']}
          </Alert>
        )}
        {send.data && (
          <Alert color="teal" variant="light" title="Accepted" role="status">
            {send.data.delivery_count ?? 'Many'} deliveries are being made.{' '}
            <TextLink to="/events/$id" params={{ id: send.data.id }}>
              See the event
            </TextLink>
          </Alert>
        )}
      </Stack>
      <Modal opened={isAsking} onClose={close} title={`Send ${name} for the tenant ${whose}?`} centered>
        <Stack>
          <Text size="sm">
            A real event is published. Receivers cannot tell it from any other one, and may act on it.
          </Text>
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Back
            </Button>
            <Button loading={send.isPending} onClick={() => send.mutate()}>
              Send it
            </Button>
          </Group>
        </Stack>
      </Modal>
    </Section>
  );
}
