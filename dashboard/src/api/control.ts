import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';

export const controlQuery = queryOptions({
  queryKey: ['control'],
  queryFn: () => data(api.GET('/v1/control')),
  refetchInterval: 3_000,
});

export type ControlScope = { scope: 'all' } | { scope: 'tenant'; tenant: string };
