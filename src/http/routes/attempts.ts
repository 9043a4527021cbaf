import { z } from 'zod';
import { isAttemptPlace, readAttemptFeed } from '../../db/attempt-feed.js';
import { answer } from '../answer.js';
import { attemptFeed } from '../answers/deliveries.js';
import { cursorAhead, feedCursor } from '../feed-cursor.js';
import { route } from '../route.js';
import { id, page, tenant } from '../schemas.js';

const query = z.strictObject({
  limit: page.limit,
  tenant: tenant.optional(),
  endpoint_id: id('ep').optional(),
  after: z
    .string()
    .transform((text, context) => feedCursor(text, context, isAttemptPlace))
    .optional()
    .meta({
      description: 'The `next_cursor` of a page; empty: the beginning; without it: the newest attempts.',
    }),
});

const list = route('GET /v1/attempts', {
  operationId: 'listAttempts',
  tag: 'Deliveries',
  role: 'viewer',
  summary: 'Read the feed of attempts',
  description:
    'Oldest first, as they are recorded; a reader that continues from `next_cursor` misses none. With a filter, one request looks at 1,000 attempts at most.',
  query,
  responses: { 200: { description: 'A page.', schema: attemptFeed } },
  problems: ['cursor_ahead'],
  async handle({ query: { after = null, limit, ...filter } }, { pool }) {
    const found = await readAttemptFeed(pool, filter, after, limit);
    if (found === null) throw cursorAhead();
    return answer(200, found);
  },
});

export const attemptRoutes = [list];
