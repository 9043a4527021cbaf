import { Autocomplete, type AutocompleteProps } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, data } from '../api/client';

/** The id of a tenant: one that is known, or a new one. */
export function TenantInput(props: Omit<AutocompleteProps, 'data'>) {
  const { data: tenants } = useQuery({
    queryKey: ['tenants', 'names'],
    queryFn: () => data(api.GET('/v1/tenants', { params: { query: { limit: 250 } } })),
    staleTime: 60_000,
  });
  return <Autocomplete data={tenants?.data.map(({ id }) => id) ?? []} limit={50} {...props} />;
}
