import { setTimeout } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ClaimedDelivery } from '../db/open-deliveries/index.js';
import { createRetryingWriter } from '../lib/retrying-writer.js';
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
  maxAttempts: number;
  /** False: this process may not send, because others may have called it dead. */
  alive(): boolean;
  releaseAccepted(eventIds: string[]): Promise<void>;
  /** Ready deliveries are there: for the poller of this process, or of others. */
  wake(): void;
  /** Makes the rest of a wide event's deliveries. */
  fanOut(eventId: string): void;
  log: Logger;
}): AfterAccept & { close(): Promise<void> } {
  const { processId, runner, starter, maxAttempts } = deps;
  const undecided = new Set<Promise<void>>();
  const releases = createRetryingWriter<string>('events of a commit without an answer', deps.log, (ids) =>
    deps.releaseAccepted(ids).then(
      () => [],
      () => ids,
    ),
  );

  return {
    choose: () => ({
      claimedBy: runner !== null && runner.room() > 0 && deps.alive() ? processId : null,
      workflow: starter === null ? 'none' : starter.keepsUp() ? 'now' : 'later',
    }),
    accepted(event, stored, { workflow }, askedAt) {
      const { id: event_id, type: event_type, tenant, payload, headers = null, contentType = null } = event;
      let isReady = false;
      for (const { id, endpoint_id, claim, workflow_id, status } of stored.made) {
        if (claim === null) isReady ||= status === 'PENDING';
        else {
          const claimed: ClaimedDelivery = {
            ...{ id, claim, endpoint_id, workflow_id, event_id, event_type, tenant, payload },
            event_headers: headers,
            event_content_type: contentType,
            run_by: workflow === 'now' ? 'workflow' : 'queue',
            attempt_count: 0,
            max_attempts: maxAttempts,
          };
          runner!.run(claimed, askedAt);
        }
      }
      if (isReady) deps.wake();
      if (stored.wide) deps.fanOut(event_id);
      else if (workflow === 'now' && stored.made.length > 0) starter!.start(startOf(stored));
    },
    unknown(eventIds, { claimedBy, workflow }) {
      const decided = setTimeout(DECIDED_MS).then(() => {
        undecided.delete(decided);
        if (claimedBy !== null) eventIds.forEach((id) => releases.add(id));
        if (workflow === 'now') starter!.startLater(eventIds);
      });
      undecided.add(decided);
    },
    async close() {
      await Promise.all(undecided);
      await releases.close();
    },
  };
}
