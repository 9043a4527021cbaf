import { Stack, Textarea, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useIsPortal } from '../../api/api-context';
import { Section } from '../../components/section';
import { TenantInput } from '../../components/tenant-input';
import { EventTypesInput } from './event-types-input';
import type { EndpointValues } from './form-values';

export type EndpointForm = UseFormReturnType<EndpointValues>;

export function BasicsSection({ form, isEdit }: { form: EndpointForm; isEdit: boolean }) {
  const isPortal = useIsPortal();
  return (
    <Section title="Receiver">
      <Stack gap="sm">
        <TextInput
          label="URL"
          description="Where the webhooks are sent, by POST."
          placeholder="https://example.com/webhooks"
          type="url"
          required
          {...form.getInputProps('url')}
        />
        <EventTypesInput {...form.getInputProps('event_types')} />
        {!isEdit && !isPortal && (
          <TenantInput
            label="Tenant"
            description="Your customer whose events it receives. Empty: the tenant default."
            {...form.getInputProps('tenant')}
          />
        )}
        <Textarea
          label="Description"
          description="For people, such as whose system this is."
          autosize
          minRows={1}
          maxRows={4}
          {...form.getInputProps('description')}
        />
      </Stack>
    </Section>
  );
}
