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
import { slotOf } from '../limit-fairly.js';
import { headerKey } from '../idempotency-key.js';
import { postEvent, acceptPosted } from '../incoming-event.js';
import { replayed } from '../once.js';
import { requireIdParam } from '../id-param.js';
import { eventsBody, eventsQuery, feedQuery, MAX_BATCH_EVENTS, pageQuery } from '../schemas.js';

/** Per event of a batch: one answer covers up to 1000 events. */
const ERRORS_PER_EVENT = 5;

export function eventRoutes(deps: AppDeps): Router {
  const router = Router();
  router.param('id', requireIdParam('evt', 'event'));
  const { pool, authorize } = deps;

  router.post('/events', authorize('publisher'), (request, response) =>
    postEvent(deps, request, request.body, response, slotOf(response)),
  );

  router.post('/events/batch', authorize('publisher'), async (request, response) => {
    const { text, value } = readJson(request);
    const { events } = eventsBody.parse(value);
    const texts = elementTexts(memberText(text, 'events')!);
    const key = batchKey(request);
    const slot = slotOf(response);
    const failed: unknown[] = [];
    const results = await Promise.all(
      events.map(async (one, i) => {
        try {
          const ownKey = key && `${key}/${i}`;
          const { kind, event } = await acceptPosted(deps, {
            value: boundMembers(one),
            text: texts[i]!,
            slot,
            ownKey,
          });
          return { status: kind === 'duplicate' ? 200 : 202, id: event.id };
        } catch (error) {
          const { status, code, message: detail, errors } = toProblem(error, ERRORS_PER_EVENT);
          if (status >= 500) failed.push(error);
          return { status, error: { code, detail, errors: errors.slice(0, ERRORS_PER_EVENT) } };
        }
      }),
    );
    // Fail the request only if every event failed: otherwise the ids of accepted events would be lost.
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
    // A header value may be a secret: redact as in an attempt's headers.
    const rest = { ...content, headers: headers && redactHeaders(headers) };
    // Splice the payload in as text, so that it is answered as it was posted.
    response.type('json').send(`${JSON.stringify(rest).slice(0, -1)},"payload":${payload}}`);
  });

  return router;
}

/** False only if nothing was stored for sure: these are thrown before Postgres is asked. */
const mayBeStored = (error: unknown) => !(error instanceof DatabaseAwayError || error instanceof Problem);

/** Events in an order that never changes, for readers that continue from `next_cursor`. */
async function feed({ pool }: AppDeps, query: unknown): Promise<FeedPage> {
  const { after, limit, ...filter } = feedQuery.parse(query);
  const page = await readFeed(pool, filter, after === 'now' ? await feedEnd(pool) : after, limit);
  if (page) return page;
  const message = 'This cursor is ahead of the database, which was restored since. Begin again with after=.';
  throw new Problem(409, 'cursor_ahead', message, [{ path: 'after', message }]);
}

/** The key of a batch: an event without its own key gets this key, `/` and its index. */
function batchKey(request: IncomingMessage): string | undefined {
  const key = headerKey(request);
  const most = MAX_KEY - `/${MAX_BATCH_EVENTS - 1}`.length;
  if (key !== undefined && [...key].length > most)
    throw badField('Idempotency-Key', `At most ${most} characters for a batch.`);
  return key;
}
