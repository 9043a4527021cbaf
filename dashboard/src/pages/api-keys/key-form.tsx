import { Button, Group, NumberInput, Radio, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import { ApiError } from '../../api/problem';
import type { ApiKey, NewApiKey } from '../../api/types';
import { TenantInput } from '../../components/tenant-input';
import { ROLE_WORDS, ROLES } from './roles';

interface Values {
  name: string;
  role: ApiKey['role'];
  tenant: string;
  /** Local time, as the input gives it. */
  expires_at: string;
  rate_per_second: number | string;
}

/** Name, role, tenant, expiry and rate of a new key. */
export function KeyForm({ onMade }: { onMade: (made: NewApiKey) => void }) {
  const queryClient = useQueryClient();
  const form = useForm<Values>({
    initialValues: { name: '', role: 'publisher', tenant: '', expires_at: '', rate_per_second: '' },
    validate: { name: (name) => (name.trim() === '' ? 'Give it a name: it stands in the audit.' : null) },
  });
  const make = useMutation({
    mutationFn: ({ name, role, tenant, expires_at, rate_per_second: rate }: Values) =>
      data(
        api.POST('/v1/api-keys', {
          body: {
            name: name.trim(),
            role,
            tenant: tenant.trim() || null,
            expires_at: expires_at === '' ? null : new Date(expires_at).toISOString(),
            rate_per_second: rate === '' ? null : Number(rate),
          },
        }),
      ),
    meta: { showsErrors: true },
    // The answer has the key: kept by nothing but the dialog.
    gcTime: 0,
    onSuccess: (made) => {
      void queryClient.invalidateQueries({ queryKey: ['api-keys'] });
      onMade(made as NewApiKey);
    },
    onError: (error) => {
      const fields = error instanceof ApiError ? error.fields : {};
      form.setErrors(Object.keys(fields).length > 0 ? fields : { name: error.message });
    },
  });
  return (
    <form onSubmit={form.onSubmit((values) => make.mutate(values))}>
      <Stack>
        <TextInput
          label="Name"
          description="The program or person that uses it: letters, digits, _, -, . and :"
          placeholder="shop"
          required
          withAsterisk={false}
          data-autofocus
          {...form.getInputProps('name')}
        />
        <Radio.Group label="Role" {...form.getInputProps('role')}>
          <Stack gap="xs" mt={4}>
            {ROLES.map((role) => (
              <Radio key={role} value={role} label={role} description={ROLE_WORDS[role]} />
            ))}
          </Stack>
        </Radio.Group>
        <TenantInput
          label="Tenant"
          description="The only tenant that it sees; empty: all tenants"
          {...form.getInputProps('tenant')}
        />
        <Group grow align="flex-start">
          <TextInput
            type="datetime-local"
            label="Ends at"
            description="Empty: it works until it is revoked"
            {...form.getInputProps('expires_at')}
          />
          <NumberInput
            label="Requests per second"
            description="In each process; empty: no limit"
            min={1}
            max={10_000}
            allowDecimal={false}
            {...form.getInputProps('rate_per_second')}
          />
        </Group>
        <Group justify="flex-end">
          <Button type="submit" loading={make.isPending}>
            Make the key
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
