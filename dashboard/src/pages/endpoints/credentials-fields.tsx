import { Fieldset, PasswordInput, Stack, Textarea, TextInput } from '@mantine/core';
import type { EndpointForm } from './basics-section';
import { GroupError } from './signature-fields';

const PEM = { autosize: true, minRows: 3, maxRows: 10, spellCheck: false, ff: 'monospace' } as const;

export function CredentialsFields({ form }: { form: EndpointForm }) {
  return (
    <Stack gap="sm">
      <Fieldset legend="Basic authentication">
        <Stack gap="xs">
          <TextInput label="User name" autoComplete="off" {...form.getInputProps('basic_auth.username')} />
          <PasswordInput
            label="Password"
            autoComplete="new-password"
            {...form.getInputProps('basic_auth.password')}
          />
          <GroupError>{form.errors.basic_auth}</GroupError>
        </Stack>
      </Fieldset>
      <Fieldset legend="Client certificate (mTLS)">
        <Stack gap="xs">
          <Textarea
            label="Certificate"
            description="PEM, with the certificates in between."
            {...PEM}
            {...form.getInputProps('client_certificate.certificate')}
          />
          <Textarea
            label="Private key"
            description="PEM. Kept encrypted, and never shown again."
            {...PEM}
            {...form.getInputProps('client_certificate.private_key')}
          />
          <GroupError>{form.errors.client_certificate}</GroupError>
        </Stack>
      </Fieldset>
      <Textarea
        label="Authorities"
        description="PEM. The receiver’s certificate is verified with these in place of the public ones. Empty: the public ones."
        {...PEM}
        {...form.getInputProps('ca')}
      />
    </Stack>
  );
}
