import { queryOptions } from '@tanstack/react-query';
import { api, data } from '../api/client';
import type { components } from '../api/schema';
import { memberText } from '../../../src/domain/raw-json';

/** Most rows of an answer. */
export const PAGE = 250;

/** All that a tenant has, up to 250: to choose from, and for names in place of ids. */
export const endpointsQuery = queryOptions({
  queryKey: ['endpoints', 'all'],
  queryFn: async () => (await data(api.GET('/v1/endpoints', { params: { query: { limit: PAGE } } }))).data,
});

export const eventTypesQuery = queryOptions({
  queryKey: ['event-types', 'all'],
  queryFn: async () => (await data(api.GET('/v1/event-types', { params: { query: { limit: PAGE } } }))).data,
  staleTime: 60_000,
});

/** An event type, with the texts of its example and schema; null: it has none. */
export const eventTypeQuery = (name: string) =>
  queryOptions({
    queryKey: ['event-types', 'one', name],
    queryFn: async () => {
      const text = await data(
        api.GET('/v1/event-types/{name}', { params: { path: { name } }, parseAs: 'text' }),
      );
      const textOf = (member: string) => {
        const value = memberText(text, member);
        return value === undefined || value === 'null' ? null : value;
      };
      return { type: JSON.parse(text) as EventType, example: textOf('example'), schema: textOf('schema') };
    },
  });

type EventType = components['schemas']['EventType'];
