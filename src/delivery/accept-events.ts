import { findByKey, type Accepted, type NewEvent } from '../db/events.js';
import {
  acceptEvents,
  MAX_FILTER_WORK,
  type AcceptChoice,
  type Stored,
} from '../db/open-deliveries/index.js';
import {
  DatabaseAwayError,
  isDatabaseAway,
  isTooSlow,
  overloaded,
  retryOnConflict,
  type Pool,
} from '../db/pool.js';
import { afterCommit } from '../db/after-commit.js';
import { DELIVERIES_PER_WORKFLOW } from '../domain/event.js';
import { createBatcher, withConcurrencyLimit } from '../lib/batcher.js';

/** Commits an event; its deliveries go on in the background. */
export type Accept = (event: NewEvent) => Promise<Accepted>;

/** Called around events and their commits. */
export interface AfterAccept {
  /** The event waits for its commit, until `ended`. */
  began(event: NewEvent): void;
  /** For the events of the next commit. */
  choose(): AcceptChoice;
  /** `askedAt`: when the commit was asked for, by performance.now(). */
  accepted(
    event: NewEvent,
    stored: Extract<Stored, { kind: 'accepted' }>,
    choice: AcceptChoice,
    askedAt: number,
  ): void;
  /** The commit got no answer: these events may have been accepted. */
  unknown(events: NewEvent[], choice: AcceptChoice): void;
  ended(event: NewEvent): void;
}

/**
 * Bounds of one commit: events, bytes of their payloads, the endpoints they are expected to match, and the expected work
 * of these endpoints' filters, as `filter_work` counts it.
 */
const MAX_EVENTS = 256;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_ENDPOINTS = 2_000;
const EXPECTED_WORK = 1_000_000;
/** Work of filters in one commit, whatever was expected: about 0.3 s. An event that needs more than its share is wide. */
const MAX_WORK = 3_000_000;
/** An event of a tenant without filters so far has a share, too: 256 of them take no more than EXPECTED_WORK. */
const LEAST_WORK = 3_900;
const MAX_COMMITS = 2;
/** Keys looked up at a time: a whole batch that is posted again leaves connections to others. */
const MAX_LOOK_UPS = 8;
const MAX_TRIES = 2;
/** Events that wait for a commit, or for a look-up: more are refused. */
const MAX_WAITING = 32_768;
/** Tenants whose last event is remembered. */
const MAX_TENANTS = 10_000;

/** Events that come together are committed together. */
export function createAcceptEvents({ pool, hot }: { pool: Pool; hot: Pool }, after: AfterAccept): Accept {
  /** By tenant: its next event is expected to be like its last one. */
  const known = new Map<string, { endpoints: number; filterWork: number }>();
  const workOf = ({ tenant }: NewEvent) => Math.min(known.get(tenant)?.filterWork ?? 0, MAX_FILTER_WORK);
  function sharesOf(events: NewEvent[]): number[] {
    const expected = events.map((event) => Math.max(workOf(event), LEAST_WORK));
    const total = expected.reduce((sum, work) => sum + work, 0);
    return expected.map((work) => Math.min(Math.floor((MAX_WORK / total) * work), MAX_FILTER_WORK));
  }
  const commit = createBatcher<NewEvent, Stored>({
    most: MAX_EVENTS,
    mostWeight: 1,
    atOnce: MAX_COMMITS,
    mostWaiting: MAX_WAITING,
    full: overloaded,
    // The same key twice: the second is answered from what the first has stored.
    keyOf: ({ tenant, idempotencyKey }) => `${tenant} ${idempotencyKey}`,
    weightOf: (event) =>
      Math.max(
        event.payload.length / MAX_BYTES,
        (known.get(event.tenant)?.endpoints ?? 1) / MAX_ENDPOINTS,
        workOf(event) / EXPECTED_WORK,
      ),
    // Smaller groups may succeed where one statement was too slow.
    isFatal: (error) => isDatabaseAway(error) && !isTooSlow(error),
    async run(events) {
      const choice = after.choose();
      const askedAt = performance.now();
      const results = await retryOnConflict(() => acceptEvents(hot, events, choice, sharesOf(events))).catch(
        (error: unknown) => {
          // Postgres was asked, and may have committed them all the same.
          if (isDatabaseAway(error) && !(error instanceof DatabaseAwayError) && !isTooSlow(error))
            after.unknown(events, choice);
          throw error;
        },
      );
      results.forEach((result, i) => {
        if (result.kind !== 'accepted') return;
        if (known.size >= MAX_TENANTS) known.clear();
        known.set(result.event.tenant, result.examined);
        after.accepted(events[i]!, result, choice, askedAt);
      });
      return results;
    },
  });
  const lookUp = withConcurrencyLimit<NewEvent, Accepted | null>((event) => findByKey(pool, event), {
    atOnce: MAX_LOOK_UPS,
    mostWaiting: MAX_WAITING,
    full: overloaded,
  });
  async function accept(event: NewEvent): Promise<Accepted> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const stored = await commit(event);
      const accepted = stored.kind === 'known' ? await afterCommit(lookUp(event)) : stored;
      if (accepted) return accepted;
      // The key's window ended between the two: now it is free.
    }
    throw new Error(`The key of ${event.id} is in its window, and has no event.`);
  }

  return async (event) => {
    after.began(event);
    try {
      return await accept(event);
    } finally {
      after.ended(event);
    }
  };
}

/** The workflow of an event just accepted. */
export const startOf = ({ event, made }: Extract<Stored, { kind: 'accepted' }>) => {
  const isWide = made.length > DELIVERIES_PER_WORKFLOW;
  return {
    workflow_id: event.workflow_id,
    event_id: event.id,
    event_type: event.type,
    tenant: event.tenant,
    batch_id: null,
    deliveries: isWide ? [] : made.map(({ id, endpoint_id }) => ({ id, endpoint_id })),
    parts: isWide ? Math.ceil(made.length / DELIVERIES_PER_WORKFLOW) : 0,
  };
};
