import { answer } from '../answer.js';
import { DatabaseAwayError } from '../../db/pool.js';
import { MAX_REQUEST_WORK } from '../../domain/check-work.js';
import { MAX_KEY } from '../../domain/event.js';
import { elementTexts, memberText } from '../../domain/raw-json.js';
import { eventResults } from '../answers/events.js';
import { toProblem } from '../error-handler.js';
import { acceptPosted } from '../incoming-event.js';
import { boundMembers } from '../json-body.js';
import { badField, Problem } from '../problem.js';
import { route } from '../route.js';
import { eventBody, eventsBody, MAX_BATCH_EVENTS } from '../event-schemas.js';

/** For all events of a batch together. */
const MAX_EVENTS_BYTES = 4 * 1024 * 1024;
/** Per event of a batch: one answer covers up to 1000 events. */
const ERRORS_PER_EVENT = 5;

export const postEvents = route('POST /v1/events/batch', {
  operationId: 'postEvents',
  tag: 'Events',
  role: 'publisher',
  summary: 'Post up to 1000 events',
  description:
    'Each event is accepted or refused on its own. With an Idempotency-Key, an event without a key of its own has this key, `/` and its index.',
  lane: 'events',
  maxBytes: MAX_EVENTS_BYTES,
  idempotent: true,
  body: eventsBody,
  example: {
    events: [
      { type: 'order.created', payload: { order_id: '1002' } },
      { type: 'order.paid', payload: { order_id: '1002' } },
    ],
  },
  responses: { 200: { description: 'One result for each event.', schema: eventResults } },
  async handle({ identity, body: { events }, raw, key: given, slot }, deps) {
    const texts = elementTexts(memberText(raw.text, 'events')!);
    const key = batchKey(given);
    const schemaWork = { left: MAX_REQUEST_WORK };
    const failed: unknown[] = [];
    const results = await Promise.all(
      events.map(async (one, i) => {
        try {
          const ownKey = key && `${key}/${i}`;
          const body = eventBody.parse(boundMembers(one));
          const { kind, event } = await acceptPosted(deps, {
            identity,
            body,
            text: texts[i]!,
            slot,
            ownKey,
            schemaWork,
          });
          return { status: kind === 'duplicate' ? (200 as const) : (202 as const), id: event.id };
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
    const isReplay = results.every(({ status }) => status === 200);
    return answer(200, { results }, isReplay ? { 'idempotent-replayed': 'true' } : {});
  },
});

/** False only if nothing was stored for sure: these are thrown before Postgres is asked. */
const mayBeStored = (error: unknown) => !(error instanceof DatabaseAwayError || error instanceof Problem);

/** The key of a batch: an event without its own key gets this key, `/` and its index. */
function batchKey(key: string | undefined): string | undefined {
  const most = MAX_KEY - `/${MAX_BATCH_EVENTS - 1}`.length;
  if (key !== undefined && [...key].length > most)
    throw badField('Idempotency-Key', `At most ${most} characters for a batch.`);
  return key;
}
