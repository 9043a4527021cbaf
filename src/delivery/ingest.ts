import { acceptEvents, type Accepted, type NewEvent } from '../db/events.js';
import { DatabaseAwayError, isDatabaseAway, type Pool } from '../db/pool.js';
import { createGroup } from '../group.js';
import type { Dispatcher } from './dispatch.js';

/** Commits an event, then hands it on in the background. */
export type Accept = (event: NewEvent) => Promise<Accepted>;

/** Events, and bytes of their payloads, in one commit at most. */
const MOST_EVENTS = 256;
const MOST_BYTES = 4 * 1024 * 1024;
const COMMITS_AT_ONCE = 2;
/** Waiting for a commit: more than these are refused. */
const MOST_WAITING = 32_768;

/** Events that come together are committed together. */
export function createIngest(pool: Pool, dispatcher: Dispatcher): Accept {
  return createGroup<NewEvent, Accepted>({
    most: MOST_EVENTS,
    mostWeight: MOST_BYTES,
    atOnce: COMMITS_AT_ONCE,
    mostWaiting: MOST_WAITING,
    full: () => new DatabaseAwayError('The database is overloaded.'),
    // The same key twice: the second is answered from what the first has stored.
    keyOf: ({ tenant, idempotencyKey }) => `${tenant} ${idempotencyKey}`,
    weightOf: ({ payload }) => payload.length,
    isFatal: isDatabaseAway,
    async run(events) {
      const choice = dispatcher.choose();
      const results = await acceptEvents(pool, events, choice).catch((error: unknown) => {
        // Postgres was asked, and may have committed them all the same.
        if (!(error instanceof DatabaseAwayError))
          dispatcher.unknown(
            events.map(({ id }) => id),
            choice,
          );
        throw error;
      });
      results.forEach((result, i) => {
        if (result.kind === 'accepted') dispatcher.dispatch(result.event, events[i]!.payload, choice);
      });
      return results;
    },
  });
}
