import { queryOptions } from '@tanstack/react-query';
import { api, data } from './client';
import { ApiError } from './problem';
import type { Readiness } from './types';

/** Volume, success and failures of the last 24 hours, by the hour; `tenant`: of this one only. */
export const dayStatsQuery = (tenant: string | undefined) =>
  queryOptions({
    queryKey: ['stats', 'day', { tenant }],
    queryFn: () => data(api.GET('/v1/stats', { params: { query: { bucket: 'hour', tenant } } })),
    refetchInterval: 10_000,
  });

/** Its 503 has the same body as its 200, and is no error here. */
export const readinessQuery = queryOptions({
  queryKey: ['readiness'],
  queryFn: async (): Promise<Readiness> => {
    const response = await fetch('/readyz').catch(() => null);
    if (response === null) throw new ApiError(0, null, null);
    const body = (await response.json().catch(() => null)) as Readiness | null;
    if (!body?.postgres) throw new ApiError(response.status, null, null);
    return body;
  },
  refetchInterval: 5_000,
});

/** Whether anything has ever been published, and any endpoint made: the first page of a new installation says what to do. */
export const firstStepsQuery = queryOptions({
  queryKey: ['first-steps'],
  queryFn: async () => {
    const params = { query: { limit: 1 } };
    const [events, endpoints] = await Promise.all([
      data(api.GET('/v1/events', { params })),
      data(api.GET('/v1/endpoints', { params })),
    ]);
    return { hasEvents: events.data.length > 0, endpoint: endpoints.data[0] ?? null };
  },
  // Events stay: once there is one, there is nothing to ask again.
  refetchInterval: ({ state }) => (state.data?.hasEvents ? false : 2_000),
  staleTime: ({ state }) => (state.data?.hasEvents ? Infinity : 0),
});

/** The newest events and attempts, of the given tenant, or that of a session that is bound to one. */
export async function readNewest(tenant: string | undefined) {
  const params = { query: { limit: 20, tenant } };
  const [events, attempts] = await Promise.all([
    data(api.GET('/v1/events', { params })),
    data(api.GET('/v1/attempts', { params })),
  ]);
  return { events: events.data, attempts: attempts.data };
}

/** For operators above the tenants only. */
export const processesQuery = queryOptions({
  queryKey: ['processes'],
  queryFn: () => data(api.GET('/v1/processes')),
  refetchInterval: 5_000,
});
