import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { api, data } from '../../api/client';

/** The last 24 hours by hour. */
export const endpointStatsQuery = (id: string) =>
  queryOptions({
    queryKey: ['endpoints', id, 'stats'],
    queryFn: () =>
      data(api.GET('/v1/endpoints/{id}/stats', { params: { path: { id }, query: { bucket: 'hour' } } })),
    staleTime: 30_000,
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
  });

/** The newest deliveries of an endpoint in a state: up to `limit` of them. */
export const someDeliveriesQuery = (endpoint_id: string, status: 'HELD' | 'DELIVERED', limit: number) =>
  queryOptions({
    queryKey: ['deliveries', 'of-endpoint', endpoint_id, status, limit],
    queryFn: () => data(api.GET('/v1/deliveries', { params: { query: { endpoint_id, status, limit } } })),
    staleTime: 15_000,
    refetchInterval: 60_000,
  });

/** Names of the catalogue, for pickers: the first 250. */
export const typeNamesQuery = queryOptions({
  queryKey: ['event-types', 'names'],
  queryFn: () => data(api.GET('/v1/event-types', { params: { query: { limit: 250 } } })),
  staleTime: 60_000,
});
