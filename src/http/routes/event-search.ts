import { searchEvents } from '../../db/event-search.js';
import { encodeCursor } from '../../db/pagination.js';
import { answer } from '../answer.js';
import { eventSearch } from '../answers/events.js';
import { searchQuery } from '../event-schemas.js';
import { route } from '../route.js';
import { pageQuery } from '../schemas.js';

const search = route('GET /v1/events/search', {
  operationId: 'searchEvents',
  tag: 'Events',
  role: 'viewer',
  summary: 'Search the payloads of events for a text',
  description:
    'Newest first. A request examines a bounded number of events, whether they match or not: go on by `next_cursor` until it is null. Characters are found as themselves and as JSON escapes them.',
  query: searchQuery,
  responses: { 200: { description: 'As far as one request searches.', schema: eventSearch } },
  async handle({ query }, { pool }) {
    const { page, filter } = pageQuery(query, 'evt');
    const { limit, cursor, from, to } = page;
    const found = await searchEvents(pool, { ...filter, from, to }, { limit, cursor });
    return answer(200, {
      data: found.data,
      next_cursor: found.next && encodeCursor(found.next),
      examined: found.examined,
      searched_to: found.searchedTo,
    });
  },
});

export const eventSearchRoutes = [search];
