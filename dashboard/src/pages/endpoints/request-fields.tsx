import { Select, Stack, TextInput } from '@mantine/core';
import { MASK } from '../../../../src/domain/endpoint';
import { PairsInput } from '../../components/pairs-input';
import type { EndpointForm } from './basics-section';

const BODIES = [
  { value: 'payload', label: 'The payload as it was published' },
  { value: 'envelope', label: 'An envelope with type, timestamp and data' },
];

export function RequestFields({ form }: { form: EndpointForm }) {
  const hasMask = form.values.headers.some(({ value }) => value === MASK);
  return (
    <Stack gap="md">
      <PairsInput
        label="Headers"
        one="header"
        description={
          hasMask
            ? `Stored values show as ${MASK}. To change one header, enter the values of all of them again.`
            : 'Sent with each request. Values are kept encrypted and never shown again.'
        }
        {...form.getInputProps('headers')}
      />
      <Select label="Body" data={BODIES} allowDeselect={false} {...form.getInputProps('body')} />
      <TextInput
        label="Content type"
        description="Empty: that of the event, mostly application/json."
        {...form.getInputProps('content_type')}
      />
      <PairsInput
        label="Metadata"
        one="entry"
        description="Your own notes on the endpoint, such as the number of a customer. Never sent."
        {...form.getInputProps('metadata')}
      />
    </Stack>
  );
}
