import { Alert, Button, Checkbox, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import type { components } from '../../api/schema';
import { useSession } from '../../app/session';
import { CopyIcon } from '../../components/copied';
import { Section } from '../../components/section';
import { fieldErrors } from '../../lib/field-errors';
import { clock, dateTime } from '../../lib/format';

const SCOPES = [
  {
    value: 'read',
    label: 'View (always)',
    description: 'Endpoints, events, deliveries and the catalogue of event types.',
  },
  {
    value: 'endpoints',
    label: 'Manage endpoints',
    description: 'Add, change, pause, test and delete endpoints, and see their secrets.',
  },
  { value: 'replay', label: 'Retry and replay', description: 'Retry one delivery, and replay many.' },
];
const LENGTHS = [
  { value: '900', label: '15 minutes' },
  { value: '3600', label: 'an hour' },
  { value: '28800', label: '8 hours' },
  { value: '86400', label: 'a day' },
];
const FIELDS = ['scopes', 'expires_in', 'return_url'] as const;

/** Makes a link for the customer, which works once. */
export function PortalLink({ tenant }: { tenant: string }) {
  const isAdmin = useSession().role === 'admin';
  const queryClient = useQueryClient();
  const form = useForm({
    initialValues: { scopes: ['read'], expires_in: '3600', return_url: '' },
  });
  const make = useMutation({
    mutationFn: ({ scopes, expires_in, return_url }: typeof form.values) =>
      data(
        api.POST('/v1/portal-sessions', {
          body: {
            tenant,
            scopes: scopes as ('read' | 'endpoints' | 'replay')[],
            expires_in: Number(expires_in),
            return_url: return_url.trim() || null,
          },
        }),
      ),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['portal-sessions'] }),
    onError: (error) => form.setErrors(fieldErrors(error, FIELDS)),
    // Kept by nothing but this component: the link is shown once.
    gcTime: 0,
    meta: { showsErrors: true },
  });
  // Without a key, the answer is always that of a new session.
  const made = make.data as components['schemas']['NewPortalSession'] | undefined;
  return (
    <Section title="Portal link">
      <form onSubmit={form.onSubmit((values) => make.mutate(values))} noValidate>
        <Stack gap="sm" maw={720}>
          <Text size="sm" c="dimmed">
            Gives this customer its own page for a while: its endpoints, events and deliveries, and nothing of
            others. The link works once, within 10 minutes: make it when the customer is there.
          </Text>
          <Checkbox.Group label="The customer may" {...form.getInputProps('scopes')}>
            <Stack gap="xs" mt="xs">
              {SCOPES.map(({ value, label, description }) => {
                const isRefused = value === 'endpoints' && !isAdmin;
                return (
                  <Checkbox
                    key={value}
                    value={value}
                    label={label}
                    description={isRefused ? `${description} Only an admin may grant this.` : description}
                    // Without it, the page has nothing to show.
                    disabled={value === 'read' || isRefused}
                  />
                );
              })}
            </Stack>
          </Checkbox.Group>
          <Select
            label="Session lasts"
            data={LENGTHS}
            allowDeselect={false}
            w={200}
            {...form.getInputProps('expires_in')}
          />
          <TextInput
            label="Return URL"
            description="Optional: the page of yours that the portal links back to, also when its session has ended."
            placeholder="https://shop.example/settings"
            type="url"
            {...form.getInputProps('return_url')}
          />
          <Group>
            <Button type="submit" variant="default" loading={make.isPending}>
              Make a link
            </Button>
          </Group>
          {form.errors[''] && (
            <Alert color="red" variant="light" title="No link was made" role="alert">
              {form.errors['']}
            </Alert>
          )}
        </Stack>
      </form>
      {made && (
        <Alert
          color="teal"
          variant="light"
          mt="md"
          title="Copy the link now: it is not shown again"
          role="status"
        >
          <Group gap={6} wrap="nowrap">
            <TextInput aria-label="Portal link" readOnly value={made.url} flex={1} miw={0} />
            <CopyIcon text={made.url} what="Copy the link" />
          </Group>
          <Text size="sm" mt="xs">
            It works once, until {clock(made.link_expires_at)}. The session ends {dateTime(made.expires_at)}.
          </Text>
        </Alert>
      )}
    </Section>
  );
}
