import { Stack } from '@mantine/core';
import { FormFoot } from '../../components/form-foot';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { use } from 'react';
import { ApiError } from '../../api/problem';
import { SessionContext } from '../../app/session';
import { Section } from '../../components/section';
import { fieldErrors } from '../../lib/field-errors';
import { AdvancedSections } from './advanced-sections';
import { BasicsSection } from './basics-section';
import { FilterSection } from './filter-section';
import { problemsOf } from './form-problems';
import { FIELDS, type EndpointValues } from './form-values';

const ALLOW =
  'To allow it, add its network to SUREHOOK_ALLOW_NETWORKS of the processes, such as 10.0.0.0/8, and start them again.';
const isBlocked = (error: Error) => error instanceof ApiError && error.code === 'address_blocked';

interface Props {
  initial: EndpointValues;
  /** The endpoint exists: tenant and secret cannot be changed here. */
  isEdit?: boolean;
  submitLabel: string;
  submit: (values: EndpointValues) => Promise<unknown>;
  cancel: () => void;
}

/** Create or change an endpoint. */
export function EndpointForm({ initial, isEdit = false, submitLabel, submit, cancel }: Props) {
  // A customer of the portal, or the admin of a tenant, cannot set variables.
  const isOperator = use(SessionContext)?.tenant === null;
  const form = useForm<EndpointValues>({
    initialValues: initial,
    validate: (values) => problemsOf(values, isEdit ? initial : null),
  });
  const save = useMutation({
    mutationFn: submit,
    onError: (error) => {
      const errors = fieldErrors(error, FIELDS);
      if (isOperator && isBlocked(error)) errors.url = `${errors.url ?? ''} ${ALLOW}`;
      form.setErrors(errors);
    },
    meta: { showsErrors: true },
    // The values have secrets: kept by nothing but the form.
    gcTime: 0,
  });
  const other = form.errors[''];
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate(values), showFirstError)} noValidate>
      <Stack maw={860}>
        <BasicsSection form={form} isEdit={isEdit} />
        <Section title="Filter">
          <FilterSection form={form} />
        </Section>
        <AdvancedSections form={form} isEdit={isEdit} />
        <FormFoot error={other} submitLabel={submitLabel} isPending={save.isPending} cancel={cancel} />
      </Stack>
    </form>
  );
}

/** A message that is out of view, or in a folded part, would not be found. */
function showFirstError() {
  requestAnimationFrame(() => {
    const first = document.querySelector<HTMLElement>('form [aria-invalid="true"], form [data-error]');
    first?.scrollIntoView({ block: 'center' });
    first?.focus({ preventScroll: true });
  });
}
