import type { IncomingMessage } from 'node:http';
import { Router, type Request } from 'express';
import { feedEnd, readFeed, type FeedPage } from '../../db/event-feed.js';
import { getEvent, listEvents } from '../../db/events.js';
import { DatabaseAwayError } from '../../db/pool.js';
import { MAX_KEY } from '../../domain/event.js';
import { elementTexts, memberText } from '../../domain/raw-json.js';
import { redactHeaders } from '../../domain/redact.js';
import { badField, notFound, Problem } from '../problem.js';
import type { AppDeps } from '../app-deps.js';
import { boundMembers, readJson } from '../json-body.js';
import { toProblem } from '../error-handler.js';
import { headerKey } from '../idempotency-key.js';
import { postEvent, take } from '../incoming-event.js';
import { replayed } from '../once.js';
import { requireIdParam } from '../id-param.js';
import { eventsBody, eventsQuery, feedQuery, MAX_BATCH_EVENTS, pageQuery } from '../schemas.js';

/** Of each event in a batch: a thousand have an answer. */
const ERRORS_PER_EVENT = 5;

export function eventRoutes(deps: AppDeps): Router {
  const router = Router();
  router.param('id', requireIdParam('evt', 'event'));
  const { pool, authorize } = deps;

  router.post('/events', authorize('publisher'), (request, response) =>
    postEvent(deps, request, request.body, response),
  );

  router.post('/events/batch', authorize('publisher'), async (request, response) => {
    const { text, value } = readJson(request);
    const { events } = eventsBody.parse(value);
    const texts = elementTexts(memberText(text, 'events')!);
    const key = batchKey(request);
    const failed: unknown[] = [];
    const results = await Promise.all(
      events.map(async (one, i) => {
        try {
          const { kind, event } = await take(
            deps,
            boundMembers(one),
            texts[i]!,
            undefined,
            key && `${key}/${i}`,
          );
          return { status: kind === 'duplicate' ? 200 : 202, id: event.id };
        } catch (error) {
          const { status, code, message: detail, errors } = toProblem(error, ERRORS_PER_EVENT);
          if (status >= 500) failed.push(error);
          return { status, error: { code, detail, errors } };
        }
      }),
    );
    // Where others were accepted, their answer is not lost with those that were not.
    if (failed.length === events.length) throw failed.find(mayBeStored) ?? failed[0];
    if (failed.length > 0)
      deps.log.error({ err: failed[0], failed: failed.length }, 'events of a batch failed');
    if (results.every(({ status }) => status === 200)) replayed(response);
    response.json({ results });
  });

  router.get('/events', authorize('viewer'), async (request, response) => {
    if (request.query.after !== undefined) return void response.json(await feed(deps, request.query));
    const { page, filter } = pageQuery(eventsQuery.parse(request.query), 'evt');
    response.json(await listEvents(pool, filter, page));
  });

  router.get('/events/:id', authorize('viewer'), async (request: Request<{ id: string }>, response) => {
    const event = await getEvent(pool, request.params.id);
    if (!event) throw notFound('event', request.params.id);
    const { payload, headers, ...content } = event;
    // A value may be a secret: they are shown as those of an attempt are.
    const rest = { ...content, headers: headers && redactHeaders(headers) };
    // Spliced in as text: the payload is answered as it was posted, too.
    response.type('json').send(`${JSON.stringify(rest).slice(0, -1)},"payload":${payload}}`);
  });

  return router;
}

/** Of errors that leave an event unanswered: all but the one that comes before Postgres is asked. */
const mayBeStored = (error: unknown) => !(error instanceof DatabaseAwayError);

/** Events in an order that never changes, for a reader that goes on from `next_cursor`. */
async function feed({ pool }: AppDeps, query: unknown): Promise<FeedPage> {
  const { after, limit, ...filter } = feedQuery.parse(query);
  const page = await readFeed(pool, filter, after === 'now' ? await feedEnd(pool) : after, limit);
  if (page) return page;
  const message = 'This cursor is ahead of the database, which was restored since. Begin again with after=.';
  throw new Problem(409, 'cursor_ahead', message, [{ path: 'after', message }]);
}

/** Of a batch: each event without a key of its own gets this one with its place behind it. */
function batchKey(request: IncomingMessage): string | undefined {
  const key = headerKey(request);
  const most = MAX_KEY - `/${MAX_BATCH_EVENTS - 1}`.length;
  if (key !== undefined && [...key].length > most)
    throw badField('Idempotency-Key', `At most ${most} characters for a batch.`);
  return key;
}
