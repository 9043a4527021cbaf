import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';

/** An endpoint, shared by all places that show its name. */
export const endpointQuery = (id: string) =>
  queryOptions({
    queryKey: ['endpoints', id],
    queryFn: () => data(api.GET('/v1/endpoints/{id}', { params: { path: { id } } })),
    staleTime: 60_000,
  });
