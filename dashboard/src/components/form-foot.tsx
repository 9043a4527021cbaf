import { Alert, Button, Group } from '@mantine/core';
import type { ReactNode } from 'react';

interface Props {
  /** Refuses the whole form, not one of its fields. */
  error: ReactNode;
  submitLabel: string;
  isPending: boolean;
  cancel: () => void;
}

/** The end of a form: the error of the whole, and its two buttons. */
export const FormFoot = ({ error, submitLabel, isPending, cancel }: Props) => (
  <>
    {error && (
      <Alert color="red" variant="light" title="Not saved" role="alert">
        {error}
      </Alert>
    )}
    <Group gap="xs">
      <Button type="submit" loading={isPending}>
        {submitLabel}
      </Button>
      <Button variant="default" onClick={cancel}>
        Cancel
      </Button>
    </Group>
  </>
);
