import { resolved } from '../lib/time-range';
import type { EventsSearch } from '../pages/events/search';
import { api, data } from './client';
import type { ListedEvent } from './types';
import type { Page } from './with-head';

/** The first page is read often, the others as fast as one can scroll. */
const LIMIT = { first: 100, others: 250 };

export const readEvents =
  (search: EventsSearch) =>
  async (cursor: string | undefined): Promise<Page<ListedEvent>> => {
    const limit = cursor === undefined ? LIMIT.first : LIMIT.others;
    const { type, tenant, idempotency_key, from, to } = resolved(search);
    const query = { type, tenant, idempotency_key, from, to, limit, cursor, outcomes: 'true' as const };
    // Without `after` it is a list, not the feed.
    return await data(api.GET('/v1/events', { params: { query } }));
  };

/** Searches payloads, newest first: a bounded part at each call. */
export const searchEvents = (
  { text = '', type, tenant, from, to }: EventsSearch,
  cursor: string | undefined,
) =>
  data(
    api.GET('/v1/events/search', {
      params: { query: { ...resolved({ from, to }), text, type, tenant, limit: LIMIT.others, cursor } },
    }),
  );
