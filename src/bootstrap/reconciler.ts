import { forgetAdHocEndpoints } from '../db/ad-hoc-endpoints.js';
import { forgetPortalSessions } from '../db/end-portal-sessions.js';
import { claimBatches } from '../db/batch-run.js';
import { changeBatch } from '../db/batches.js';
import {
  claimsOlderThan,
  endLostClaims,
  eventsFanningOut,
  releaseClaims,
} from '../db/open-deliveries/index.js';
import { deadProcesses, removeDead } from '../db/processes.js';
import { addStartsOfDead } from '../db/workflow-starts.js';
import { lostRecord } from '../delivery/attempt-record.js';
import type { FanOuts } from '../delivery/fan-outs.js';
import type { QueuePoller } from '../delivery/queue-poller.js';
import { createReconciler } from '../delivery/reconciler.js';
import type { Runner } from '../delivery/runner.js';
import type { PollLoop } from '../lib/poll-loop.js';
import type { DeliveryParts } from './delivery-parts.js';
import type { ServiceOptions } from './service-options.js';

/** Lost claims released by one statement. */
const PAGE = 1_000;
/** A claim has got its answer by then, or none will come: longer than a statement takes. */
const ANSWERED_MS = 10_000;

/** Wires the reconciler. `runner`, `poller`: null where this process makes no attempts. */
export function startReconciler(
  { log, pollEveryMs, workflows: mode = 'all' }: ServiceOptions,
  { processId, pool, workflows }: DeliveryParts,
  { runner, poller, fanOuts }: { runner: Runner | null; poller: QueuePoller | null; fanOuts: FanOuts },
): PollLoop {
  const startsOpen = mode === 'open';
  return createReconciler({
    async releaseUnansweredClaims() {
      const old = runner ? await claimsOlderThan(pool, processId, ANSWERED_MS) : [];
      const lost = old.filter(({ id }) => runner!.join(id) === null && !poller!.isAsking(id));
      if (lost.length === 0) return;
      log.warn({ count: lost.length }, 'claims released whose answer was lost');
      const released = { inMs: null, reason: null, backOff: false };
      for (let at = 0; at < lost.length; at += PAGE)
        await releaseClaims(
          pool,
          lost.slice(at, at + PAGE).map((claim) => ({ ...claim, ...released })),
        );
    },
    endLostClaims: (dead, limit) => endLostClaims(pool, { dead, limit, startsOpen }, lostRecord),
    deadProcesses: () => deadProcesses(pool, processId),
    async forgetProcess(id) {
      if (mode === 'all') await addStartsOfDead(pool, id);
      await removeDead(pool, id);
    },
    eventsFanningOut: (limit) => eventsFanningOut(pool, limit),
    fanOut: (event) => fanOuts.begin(event),
    claimBatches: (limit) => claimBatches(pool, limit),
    forgetAdHocEndpoints: (limit) => forgetAdHocEndpoints(pool, limit),
    forgetPortalSessions: (limit) => forgetPortalSessions(pool, limit),
    changeBatch: (id, change, by) => changeBatch(pool, id, change, by),
    workflows,
    ...(pollEveryMs === undefined ? {} : { everyMs: pollEveryMs }),
    log,
  });
}
