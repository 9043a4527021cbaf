import { Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { EVENT_TYPE } from '../../../../src/domain/event';
import type { components, operations } from '../../api/schema';
import { JsonArea, prettyJson, readJson } from '../../components/json-area';
import { SaveForm, type FormProps } from '../../components/save-form';

type EventType = components['schemas']['EventType'];
type Body = operations['createEventType']['requestBody']['content']['application/json'];

const FIELDS = ['name', 'description', 'schema', 'example'] as const;

/** Create or change an event type. Errors of the server name their places in the schema. */
export function EventTypeForm({ known, submitLabel, submit, cancel }: FormProps<EventType, Body>) {
  const form = useForm({
    initialValues: {
      name: known?.name ?? '',
      description: known?.description ?? '',
      schema: prettyJson(known?.schema),
      example: prettyJson(known?.example),
    },
    validate: {
      name: (name) =>
        EVENT_TYPE.test(name.trim())
          ? null
          : 'Such as order.created: no blanks, parts with . / or : between.',
      schema: (text) => readJson(text).fault,
      example: (text) => readJson(text).fault,
    },
  });
  const save = ({ name, description, schema, example }: typeof form.values) =>
    submit({
      name: name.trim(),
      description: description.trim() || null,
      schema: (readJson(schema).value ?? null) as Body['schema'],
      example: readJson(example).value ?? null,
    });
  return (
    <SaveForm
      title="Event type"
      form={form}
      save={save}
      fields={FIELDS}
      submitLabel={submitLabel}
      cancel={cancel}
    >
      {!known && (
        <TextInput label="Name" placeholder="order.created" required {...form.getInputProps('name')} />
      )}
      <Textarea
        label="Description"
        description="When it happens. Customers read it in their portal."
        autosize
        minRows={1}
        {...form.getInputProps('description')}
      />
      <JsonArea
        label="Schema of the payload"
        description="JSON Schema 2020-12. Events with another payload are refused. Empty: every payload is accepted."
        placeholder={
          '{\n  "type": "object",\n  "required": ["id"],\n  "properties": { "id": { "type": "string" } }\n}'
        }
        minRows={8}
        {...form.getInputProps('schema')}
      />
      <JsonArea
        label="Example"
        description="A payload as the schema says; tests are sent with it."
        {...form.getInputProps('example')}
      />
    </SaveForm>
  );
}
