import { z } from 'zod';
import { searchText } from '../../lib/search-text';

/** The filters of the list of events, as in `GET /v1/events`; `text`: searched for in payloads. */
export const eventsSearch = z.object({
  tenant: searchText,
  type: searchText,
  idempotency_key: searchText,
  text: searchText,
  from: searchText,
  to: searchText,
});
export type EventsSearch = z.output<typeof eventsSearch>;
