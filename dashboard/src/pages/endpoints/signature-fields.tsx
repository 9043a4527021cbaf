import { Fieldset, Group, Input, PasswordInput, Select, Stack, Text, TextInput } from '@mantine/core';
import type { EndpointForm } from './basics-section';

const KINDS = [
  { value: 'hmac', label: 'HMAC-SHA256: one secret that both sides know' },
  { value: 'ed25519', label: 'Ed25519: the receiver verifies with a public key' },
];
const ENCODINGS = [
  { value: 'hex', label: 'hex' },
  { value: 'base64', label: 'base64' },
];

export function SignatureFields({ form, isEdit }: { form: EndpointForm; isEdit: boolean }) {
  return (
    <Stack gap="sm">
      {isEdit ? (
        <Text size="sm" c="dimmed">
          The secret and the kind of signature are changed on the endpoint’s page, by “Rotate secret”.
        </Text>
      ) : (
        <>
          <Select label="Kind" data={KINDS} allowDeselect={false} {...form.getInputProps('signature')} />
          <PasswordInput
            label="Secret of your own"
            description="Empty: one is made for you. Otherwise whsec_ and the base64 of 24 to 64 bytes, or whsk_ for Ed25519."
            autoComplete="off"
            {...form.getInputProps('secret')}
          />
        </>
      )}
      <Fieldset legend="Second signature">
        <Text size="sm" c="dimmed" mb="xs">
          For receivers that verify the way of GitHub and others: HMAC-SHA256 of the body, in a header that
          you name.
        </Text>
        <Group gap="xs" align="flex-start" grow preventGrowOverflow={false}>
          <TextInput
            label="Header"
            placeholder="x-hub-signature-256"
            miw={180}
            {...form.getInputProps('extra_signature.header')}
          />
          <TextInput
            label="Prefix"
            placeholder="sha256="
            miw={120}
            {...form.getInputProps('extra_signature.prefix')}
          />
          <Select
            label="Encoding"
            data={ENCODINGS}
            allowDeselect={false}
            miw={100}
            {...form.getInputProps('extra_signature.encoding')}
          />
        </Group>
        <PasswordInput
          mt="xs"
          label="Its secret"
          description="Empty: the endpoint’s newest secret."
          autoComplete="off"
          {...form.getInputProps('extra_signature.secret')}
        />
        <GroupError>{form.errors.extra_signature}</GroupError>
      </Fieldset>
    </Stack>
  );
}

/** The error of several inputs together. */
export const GroupError = ({ children }: { children: React.ReactNode }) =>
  children ? (
    <Input.Error data-error role="alert" mt={6}>
      {children}
    </Input.Error>
  ) : null;
