import { feedEnd, readFeed, type FeedPage } from '../../db/event-feed.js';
import { outcomesOf } from '../../db/event-outcomes.js';
import { getEvent, listEvents } from '../../db/events.js';
import type { Pool } from '../../db/pool.js';
import { redactHeaders } from '../../domain/redact.js';
import { answer, Text } from '../answer.js';
import { acceptedEvent, event, eventFeed, eventList } from '../answers/events.js';
import { acceptedExample } from '../examples.js';
import { cursorAhead } from '../feed-cursor.js';
import { acceptedAnswer, acceptPosted } from '../incoming-event.js';
import { notFound } from '../problem.js';
import { idParam, route } from '../route.js';
import { eventBody, eventsQuery } from '../event-schemas.js';
import { pageQuery } from '../schemas.js';
import { z } from 'zod';
import { postEvents } from './event-batches.js';

const tag = 'Events';

/** `event-fast-path.ts` answers most of these requests before they reach the router. */
const post = route('POST /v1/events', {
  operationId: 'postEvent',
  tag,
  role: 'publisher',
  summary: 'Post an event',
  description:
    'It is stored before the answer, and delivered to every endpoint of its tenant that subscribes to its type.',
  idempotent: true,
  body: eventBody,
  example: {
    type: 'order.created',
    payload: { order_id: '1001', total: 49.9 },
    idempotency_key: 'order-1001',
  },
  responses: {
    202: { description: 'The event is stored.', schema: acceptedEvent, example: acceptedExample },
    200: { description: 'It was stored before, by a request with the same key.', schema: acceptedEvent },
  },
  problems: ['foreign_tenant', 'unknown_endpoint', 'reserved_key', 'reserved_type', 'schema_violation'],
  async handle({ identity, body, raw: { text }, key, slot }, deps) {
    return acceptedAnswer(await acceptPosted(deps, { identity, body, text, slot, headerKey: key }));
  },
});

const list = route('GET /v1/events', {
  operationId: 'listEvents',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'List events, or read the feed of events',
  description:
    'Without `after`: a list, newest first. With `after`: a feed, oldest first, that misses no event while others are posted; it takes `limit`, `tenant` and `type` only.',
  query: eventsQuery,
  responses: { 200: { description: 'A page.', schema: z.union([eventList, eventFeed]) } },
  problems: ['cursor_ahead'],
  async handle({ query }, { pool }) {
    const { after, ...others } = query;
    if (after !== undefined) return answer(200, await feed(pool, { ...others, after }));
    const { outcomes, ...chosen } = others;
    const { page, filter } = pageQuery(chosen, 'evt');
    const listed = await listEvents(pool, filter, page);
    if (outcomes === undefined) return answer(200, listed);
    const byEvent = await outcomesOf(pool, listed.data);
    return answer(200, {
      ...listed,
      data: listed.data.map((one) => ({ ...one, outcome: byEvent.get(one.id) })),
    });
  },
});

const get = route('GET /v1/events/{id}', {
  operationId: 'getEvent',
  tag,
  role: 'any',
  portal: 'read',
  summary: 'Get an event with its payload',
  params: { id: idParam('evt', 'event') },
  responses: { 200: { description: 'The event.', schema: event } },
  async handle({ params: { id } }, { pool }) {
    const stored = await getEvent(pool, id);
    if (!stored) throw notFound('event', id);
    const { payload, headers, ...content } = stored;
    // A header value may be a secret: redact as in an attempt's headers.
    const rest = { ...content, headers: headers && redactHeaders(headers) };
    // Splice the payload in as text, so that it is answered as it was posted.
    return answer(200, new Text(`${JSON.stringify(rest).slice(0, -1)},"payload":${payload}}`));
  },
});

export const eventRoutes = [post, postEvents, list, get];

type FeedQuery = Omit<z.output<typeof eventsQuery>, 'after'> & {
  after: NonNullable<z.output<typeof eventsQuery>['after']>;
};

/** Events in an order that never changes, for readers that continue from `next_cursor`. */
async function feed(pool: Pool, { after, limit, tenant, type }: FeedQuery): Promise<FeedPage> {
  const place = after === 'now' ? await feedEnd(pool) : after;
  const page = await readFeed(pool, { tenant, type }, place, limit);
  if (page) return page;
  throw cursorAhead();
}
