import { queryOptions } from '@tanstack/react-query';
import { api, data } from '../../api/client';
import { readEvent } from '../../api/event';

const COUNT = 15;

export interface RecentEvent {
  id: string;
  type: string;
  created_at: string;
  payload: unknown;
  /** As it was posted. */
  payloadText: string;
}

/** The newest events, with payloads; without a tenant, of all that are seen. */
export const recentEventsQuery = (tenant: string | undefined) =>
  queryOptions({
    queryKey: ['events', 'recent', tenant ?? null],
    queryFn: async (): Promise<RecentEvent[]> => {
      const query = { tenant, limit: COUNT };
      const { data: events } = await data(api.GET('/v1/events', { params: { query } }));
      return Promise.all(
        events.map(async ({ id }) => {
          const { payload: payloadText, ...event } = await readEvent(id);
          return { ...event, payload: JSON.parse(payloadText) as unknown, payloadText };
        }),
      );
    },
    staleTime: 30_000,
  });
