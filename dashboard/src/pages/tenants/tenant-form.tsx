import { NumberInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { TENANT } from '../../../../src/domain/event';
import type { components, operations } from '../../api/schema';
import { PairsInput, pairsOf, recordOf } from '../../components/pairs-input';
import { SaveForm, type FormProps } from '../../components/save-form';

type Tenant = components['schemas']['Tenant'];
type Body = operations['createTenant']['requestBody']['content']['application/json'];

const FIELDS = ['id', 'name', 'max_endpoints', 'max_events_per_second', 'metadata'] as const;
const quotaOf = (value: number | string) => (value === '' ? null : Number(value));

export function TenantForm({ known, submitLabel, submit, cancel }: FormProps<Tenant, Body>) {
  const form = useForm({
    initialValues: {
      id: known?.id ?? '',
      name: known?.name ?? '',
      max_endpoints: known?.max_endpoints ?? '',
      max_events_per_second: known?.max_events_per_second ?? '',
      metadata: pairsOf(known?.metadata ?? {}),
    },
    validate: {
      id: (id) =>
        TENANT.test(id.trim()) ? null : 'Printable ASCII without blanks, such as acme or customer:17.',
    },
  });
  const save = ({ id, name, metadata, max_endpoints, max_events_per_second }: typeof form.values) =>
    submit({
      id: id.trim(),
      name: name.trim() || null,
      metadata: recordOf(metadata),
      max_endpoints: quotaOf(max_endpoints),
      max_events_per_second: quotaOf(max_events_per_second),
    });
  return (
    <SaveForm
      title="Tenant"
      form={form}
      save={save}
      fields={FIELDS}
      submitLabel={submitLabel}
      cancel={cancel}
    >
      {!known && (
        <TextInput
          label="Id"
          description="As your own system calls the customer. It cannot be changed."
          placeholder="acme"
          required
          {...form.getInputProps('id')}
        />
      )}
      <TextInput label="Name" placeholder="Acme Inc." {...form.getInputProps('name')} />
      <NumberInput
        label="Endpoints at most"
        description="Empty: the default of the configuration. Fewer than there are keeps those that are there."
        min={0}
        allowDecimal={false}
        thousandSeparator=","
        {...form.getInputProps('max_endpoints')}
      />
      <NumberInput
        label="Events per second at most"
        description="Counted in each process. Beyond it, publishers are told when to come back. Empty: the default."
        min={0}
        allowDecimal={false}
        thousandSeparator=","
        {...form.getInputProps('max_events_per_second')}
      />
      <PairsInput
        label="Metadata"
        one="entry"
        description="Your own notes."
        {...form.getInputProps('metadata')}
      />
    </SaveForm>
  );
}
