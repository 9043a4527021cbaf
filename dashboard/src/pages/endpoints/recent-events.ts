import { queryOptions } from '@tanstack/react-query';
import { api, data } from '../../api/client';

const COUNT = 15;

export interface RecentEvent {
  id: string;
  type: string;
  created_at: string;
  payload: unknown;
}

/** The newest events, with payloads; without a tenant, of all that are seen. */
export const recentEventsQuery = (tenant: string | undefined) =>
  queryOptions({
    queryKey: ['events', 'recent', tenant ?? null],
    queryFn: async (): Promise<RecentEvent[]> => {
      const query = { tenant, limit: COUNT };
      const { data: events } = await data(api.GET('/v1/events', { params: { query } }));
      return Promise.all(
        events.map(({ id }) => data(api.GET('/v1/events/{id}', { params: { path: { id } } }))),
      );
    },
    staleTime: 30_000,
  });
