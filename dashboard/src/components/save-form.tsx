import { Stack } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { fieldErrors } from '../lib/field-errors';
import { FormFoot } from './form-foot';
import { Section } from './section';

/** The props of a form that creates or changes an object. */
export interface FormProps<Known, Body> {
  /** The object that is changed. */
  known?: Known;
  submitLabel: string;
  submit: (body: Body) => Promise<unknown>;
  cancel: () => void;
}

interface Props<Values> {
  title: string;
  form: UseFormReturnType<Values>;
  save: (values: Values) => Promise<unknown>;
  /** Fields of the API, which errors of the server are shown at. */
  fields: readonly string[];
  submitLabel: string;
  cancel: () => void;
  children: ReactNode;
}

/** A form of one section. It shows the errors of the server at the fields that they are of. */
export function SaveForm<Values extends Record<string, unknown>>({
  title,
  form,
  save,
  fields,
  submitLabel,
  cancel,
  children,
}: Props<Values>) {
  const saving = useMutation({
    mutationFn: save,
    onError: (error) => form.setErrors(fieldErrors(error, fields)),
    meta: { showsErrors: true },
  });
  return (
    <form onSubmit={form.onSubmit((values) => saving.mutate(values))} noValidate>
      <Stack maw={860}>
        <Section title={title}>
          <Stack gap="sm">{children}</Stack>
        </Section>
        <FormFoot
          error={form.errors['']}
          submitLabel={submitLabel}
          isPending={saving.isPending}
          cancel={cancel}
        />
      </Stack>
    </form>
  );
}
