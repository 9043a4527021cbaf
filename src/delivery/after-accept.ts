import { setTimeout } from 'node:timers/promises';
import type { ClaimedDelivery, WideEvent } from '../db/open-deliveries/index.js';
import { startOf, type AfterAccept } from './accept-events.js';
import type { Runner } from './runner.js';
import type { WorkflowStarter } from './workflow-starter.js';

/** A commit that was asked for has come or will not come any more: longer than a statement takes. */
const DECIDED_MS = 5_000;

/** The first attempts and the workflows of events just accepted. */
export function createAfterAccept(deps: {
  processId: string;
  /** Null: this process makes no attempts. */
  runner: Runner | null;
  /** Null: no event gets a workflow when it is accepted. */
  starter: WorkflowStarter | null;
  /** False: this process may not send, because others may have called it dead. */
  alive(): boolean;
  /** Ready deliveries are there: for the poller of this process, or of others. */
  wake(): void;
  /** Makes the rest of a wide event's deliveries. */
  fanOut(event: WideEvent): void;
  /** A filter of the event was not evaluated: its endpoint gets the event. */
  unfiltered(eventId: string): void;
}): AfterAccept & {
  /** Age of the oldest event that is or may be stored, and whose workflow is neither started nor in the backfill; 0: none. */
  startsBehindMs(): number;
  close(): Promise<void>;
} {
  const { processId, runner, starter } = deps;
  /** Events that wait for their commit, by id, with their arrival by performance.now(). */
  const waiting = new Map<string, number>();
  /** The same for events of commits without an answer. */
  const unknown = new Map<string, number>();
  const undecided = new Set<Promise<void>>();
  const ageOf = (events: Map<string, number>) => {
    const oldest = events.values().next().value;
    return oldest === undefined ? 0 : performance.now() - oldest;
  };

  return {
    began: ({ id }) => void waiting.set(id, performance.now()),
    ended: ({ id }) => void waiting.delete(id),
    choose() {
      const isRunning = runner !== null && runner.room() > 0 && deps.alive();
      return {
        claimedBy: isRunning ? processId : null,
        fullEndpoints: isRunning ? runner.fullEndpoints() : [],
        workflow: starter === null ? 'none' : starter.keepsUp() ? 'now' : 'later',
      };
    },
    accepted(event, stored, { workflow, fullEndpoints = [] }, askedAt) {
      const { id: event_id, type: event_type, tenant, payload, headers = null, contentType = null } = event;
      let isReady = false;
      for (const { id, endpoint_id, claim, workflow_id, max_attempts, status } of stored.made) {
        // The poller looks at full endpoints by itself.
        if (claim === null) isReady ||= status === 'PENDING' && !fullEndpoints.includes(endpoint_id);
        else {
          const claimed: ClaimedDelivery = {
            ...{ id, claim, endpoint_id, workflow_id, event_id, event_type, tenant, payload },
            event_headers: headers,
            event_content_type: contentType,
            event_created_at: stored.event.created_at,
            run_by: workflow === 'now' ? 'workflow' : 'queue',
            attempt_count: 0,
            max_attempts,
          };
          runner!.run(claimed, askedAt);
        }
      }
      if (isReady) deps.wake();
      if (stored.unfiltered) deps.unfiltered(event_id);
      if (stored.wide) deps.fanOut(event);
      else if (workflow === 'now' && stored.made.length > 0) starter!.start(startOf(stored));
    },
    unknown(events, { workflow }) {
      if (workflow !== 'now') return;
      const ids = events.map(({ id }) => id);
      for (const id of ids) unknown.set(id, waiting.get(id) ?? performance.now());
      const decided = setTimeout(DECIDED_MS).then(() => {
        undecided.delete(decided);
        starter!.startLater(ids);
        ids.forEach((id) => unknown.delete(id));
      });
      undecided.add(decided);
    },
    startsBehindMs: () => Math.max(starter?.behindMs() ?? 0, ageOf(waiting), ageOf(unknown)),
    async close() {
      await Promise.all(undecided);
    },
  };
}
