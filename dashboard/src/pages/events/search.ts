import { z } from 'zod';
import { searchText } from '../../lib/search-text';

/** Least length of a text that the server searches for. */
export const MIN_TEXT = 3;

/** The filters of the list of events, as in `GET /v1/events`; `text`: searched for in payloads, without an idempotency key. */
export const eventsSearch = z
  .object({
    tenant: searchText,
    type: searchText,
    idempotency_key: searchText,
    text: searchText.refine((text) => text === undefined || text.length >= MIN_TEXT).catch(undefined),
    from: searchText,
    to: searchText,
  })
  .transform((search) => (search.text === undefined ? search : { ...search, idempotency_key: undefined }));
export type EventsSearch = z.output<typeof eventsSearch>;
