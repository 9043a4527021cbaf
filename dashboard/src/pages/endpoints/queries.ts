import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { data, type Api } from '../../api/client';

/** The last 24 hours by hour. */
export const endpointStatsQuery = (api: Api, id: string) =>
  queryOptions({
    queryKey: ['endpoints', id, 'stats'],
    queryFn: () =>
      data(api.GET('/v1/endpoints/{id}/stats', { params: { path: { id }, query: { bucket: 'hour' } } })),
    staleTime: 30_000,
    refetchInterval: 60_000,
    placeholderData: keepPreviousData,
  });

/** The newest deliveries of an endpoint in a state: up to `limit` of them. */
export const someDeliveriesQuery = (
  api: Api,
  endpoint_id: string,
  status: 'HELD' | 'DELIVERED',
  limit: number,
) =>
  queryOptions({
    queryKey: ['deliveries', 'of-endpoint', endpoint_id, status, limit],
    queryFn: () => data(api.GET('/v1/deliveries', { params: { query: { endpoint_id, status, limit } } })),
    staleTime: 15_000,
  });

/** Names of the catalogue, for pickers: the first 250. */
export const typeNamesQuery = (api: Api) =>
  queryOptions({
    queryKey: ['event-types', 'names'],
    queryFn: () => data(api.GET('/v1/event-types', { params: { query: { limit: 250 } } })),
    staleTime: 60_000,
  });
