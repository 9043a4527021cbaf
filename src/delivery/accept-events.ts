import type { SentContent } from '../db/deliveries.js';
import { acceptEvents, findByKey, type Accepted, type NewEvent, type Stored } from '../db/events.js';
import { DatabaseAwayError, isDatabaseAway, retryOnConflict, type Pool } from '../db/pool.js';
import { afterCommit } from '../db/after-commit.js';
import { createBatcher, withConcurrencyLimit } from '../lib/batcher.js';
import type { Dispatcher } from './dispatcher.js';

/** Commits an event, then hands it on in the background. */
export type Accept = (event: NewEvent) => Promise<Accepted>;

/** Events, and bytes of their payloads, in one commit at most. */
const MOST_EVENTS = 256;
const MOST_BYTES = 4 * 1024 * 1024;
const COMMITS_AT_ONCE = 2;
/** Keys looked up at a time: a whole batch that is posted again leaves connections to others. */
const LOOK_UPS_AT_ONCE = 8;
const TRIES = 2;
/** Waiting for a commit, or for a look-up: more than these are refused. */
const MOST_WAITING = 32_768;

const contentOf = ({ payload, headers = null, contentType = null }: NewEvent): SentContent => ({
  ...{ payload, event_headers: headers, event_content_type: contentType },
});

/** Events that come together are committed together. */
export function createAcceptEvents({ pool, hot }: { pool: Pool; hot: Pool }, dispatcher: Dispatcher): Accept {
  const full = () => new DatabaseAwayError('The database is overloaded.');
  const commit = createBatcher<NewEvent, Stored>({
    most: MOST_EVENTS,
    mostWeight: MOST_BYTES,
    atOnce: COMMITS_AT_ONCE,
    mostWaiting: MOST_WAITING,
    full,
    // The same key twice: the second is answered from what the first has stored.
    keyOf: ({ tenant, idempotencyKey }) => `${tenant} ${idempotencyKey}`,
    weightOf: ({ payload }) => payload.length,
    isFatal: isDatabaseAway,
    async run(events) {
      const choice = dispatcher.choose(events.length);
      const results = await retryOnConflict(() => acceptEvents(hot, events, choice)).catch(
        (error: unknown) => {
          // Postgres was asked, and may have committed them all the same.
          if (isDatabaseAway(error) && !(error instanceof DatabaseAwayError))
            dispatcher.unknown(
              events.map(({ id }) => id),
              choice,
            );
          throw error;
        },
      );
      results.forEach((result, i) => {
        if (result.kind === 'accepted') dispatcher.dispatch(result, contentOf(events[i]!), choice);
      });
      return results;
    },
  });
  const lookUp = withConcurrencyLimit<NewEvent, Accepted | null>((event) => findByKey(pool, event), {
    atOnce: LOOK_UPS_AT_ONCE,
    mostWaiting: MOST_WAITING,
    full,
  });
  return async (event) => {
    for (let tries = 0; tries < TRIES; tries++) {
      const stored = await commit(event);
      const accepted = stored.kind === 'known' ? await afterCommit(lookUp(event)) : stored;
      if (accepted) return accepted;
      // The key's window ended between the two: now it is free.
    }
    throw new Error(`The key of ${event.id} is in its window, and has no event.`);
  };
}
