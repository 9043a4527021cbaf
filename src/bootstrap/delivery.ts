import type { Activities } from '../../activities/index.js';
import { loadEndpointTargets } from '../db/endpoint-targets.js';
import {
  claimDue,
  endDeliveriesOf,
  fanOut,
  assignToQueue,
  assignToWorkflow,
  releaseClaims,
} from '../db/open-deliveries/index.js';
import { endByTemporal } from '../db/temporal-endings.js';
import {
  addStartOf,
  addStarts,
  claimStarts,
  postponeStarts,
  releaseStarts,
  removeStarts,
} from '../db/workflow-starts.js';
import { createAcceptEvents, type Accept } from '../delivery/accept-events.js';
import { startAnnouncer } from '../delivery/announcer.js';
import { createAfterAccept } from '../delivery/after-accept.js';
import { createEndpointCache } from '../delivery/endpoint-cache.js';
import { createFanOuts } from '../delivery/fan-outs.js';
import { startOperationalEvents } from '../delivery/operational-events.js';
import { createOverdueCheck } from '../delivery/overdue-check.js';
import { createQueuePoller } from '../delivery/queue-poller.js';
import { createRunner, type Runner } from '../delivery/runner.js';
import { startStatsCounter } from '../delivery/stats-counter.js';
import { createWorkflowBackfill } from '../delivery/workflow-backfill.js';
import { createWorkflowStarter } from '../delivery/workflow-starter.js';
import { createLoopLoad } from '../lib/loop-load.js';
import { activitiesOf } from './activities.js';
import { attemptDeps } from './attempt-deps.js';
import type { DeliveryParts } from './delivery-parts.js';
import { startReconciler } from './reconciler.js';
import type { ServiceOptions } from './service-options.js';

/** Deliveries of a deleted endpoint ended by one statement. */
const PAGE = 1_000;
/** An overdue delivery whose activity is paused in Temporal is looked at again after this. */
const PAUSED_MS = 60_000;
/** Above this share of the time, workflows and statistics wait for deliveries. */
const FULL_LOAD = 0.5;
/** Without an attempt for this long, the process counts as quiet. */
const QUIET_MS = 2_000;

export interface Delivery {
  /** Null: this process makes no attempts. */
  runner: Runner | null;
  /** Age of the oldest event whose workflow is neither started nor left to the backfill, in milliseconds. */
  startsBehindMs(): number;
  accept: Accept;
  /** For a worker; null without a runner. */
  activities: Activities | null;
}

/** Wires the engine: runner, poller, reconciler, workflow starter and backfill. `release`: how each is stopped. */
export function startDelivery(
  options: ServiceOptions,
  parts: DeliveryParts,
  release: (() => Promise<unknown>)[],
): Delivery {
  const { log, role, attempts = true, workflows: mode = 'all' } = options;
  const { processId, pool, hot, workflows, control } = parts;
  const every = options.pollEveryMs === undefined ? {} : { everyMs: options.pollEveryMs };
  const maxAttempts = parts.retryPolicy.maximumAttempts;
  const attempt = attemptDeps(options, parts);
  const loopLoad = createLoopLoad();

  const runner =
    role === 'api' && !attempts
      ? null
      : createRunner({
          attempt,
          endpoints: createEndpointCache((ids) => loadEndpointTargets(pool, ids), control),
          release: (claims) => releaseClaims(pool, claims),
          current: () => control.current(),
          log,
        });
  if (runner) release.push(() => runner.close());

  const starter =
    mode === 'all'
      ? createWorkflowStarter({
          workflows,
          async addStarts(eventIds) {
            await addStarts(pool, eventIds);
            await assignToQueue(pool, eventIds);
          },
          hasTime: () => loopLoad() < FULL_LOAD,
          log,
        })
      : null;
  if (starter) release.push(() => starter.close());

  const isStopped = createOverdueCheck({
    workflows,
    async cancel({ id, claim }, reason, detail) {
      await endByTemporal(pool, [id], 'CANCELLED', reason, { action: 'delivery.cancel', detail });
      await releaseClaims(pool, [{ id, claim, inMs: null, reason: null, backOff: false }]);
    },
    async wait({ id, claim }) {
      const reason = 'its activity is paused in Temporal';
      await releaseClaims(pool, [{ id, claim, inMs: PAUSED_MS, reason, backOff: false }]);
      await assignToWorkflow(pool, id);
    },
    startAgain: async ({ id }) => {
      if (mode !== 'none') await addStartOf(pool, id);
    },
    log,
  });

  const announcer = runner ? null : startAnnouncer(pool);
  if (announcer) release.push(() => announcer.close());
  const poller =
    runner &&
    createQueuePoller({
      claimDue: (request) => claimDue(hot, { process: processId, ...request }),
      runner,
      endDeliveriesOf: async (endpointId) => void (await endDeliveriesOf(pool, endpointId, PAGE)),
      isStopped,
      paused: () => control.paused(null),
      alive: () => control.alive(),
      ...every,
      log,
    });
  if (poller) {
    release.push(() => poller.close());
    control.onChange(() => poller.wake());
  }

  const backfill = createWorkflowBackfill({
    workflows,
    claimStarts: (limit) => claimStarts(pool, limit),
    removeStarts: (ids) => removeStarts(pool, ids),
    releaseStarts: (ids) => releaseStarts(pool, ids),
    postponeStarts: (ids) => postponeStarts(pool, ids),
    load() {
      if (loopLoad() > FULL_LOAD) return 'full';
      return runner !== null && runner.idleMs() < QUIET_MS ? 'busy' : 'quiet';
    },
    log,
  });
  if (mode !== 'none') release.push(() => backfill.close());
  else void backfill.close();

  const unfiltered = (eventId: string) => {
    parts.metrics.unfiltered();
    log.warn({ event_id: eventId }, 'a filter could not be evaluated; its endpoint gets the event');
  };
  const fanOuts = createFanOuts({
    fanOutPage: (page) =>
      fanOut(pool, {
        ...page,
        maxAttempts,
        workflow: mode === 'all' ? 'later' : 'none',
        onUnfiltered: () => unfiltered(page.eventId),
      }),
    wake: () => (poller ?? announcer!).wake(),
    log,
  });
  const afterAccept = createAfterAccept({
    processId,
    runner,
    starter,
    alive: () => control.alive(),
    wake: () => (poller ?? announcer!).wake(),
    fanOut: (event) => fanOuts.begin(event),
    unfiltered,
  });
  const accept = createAcceptEvents({ pool, hot }, afterAccept);
  const reconciler = startReconciler(options, parts, { runner, poller, fanOuts });
  const operationalEvents = startOperationalEvents({ pool, accept, maxAttempts, ...every, log });
  const statsCounter = startStatsCounter({ pool, isBusy: () => loopLoad() > FULL_LOAD, ...every, log });
  release.push(() => statsCounter.close());
  release.push(() => fanOuts.close());
  release.push(() => afterAccept.close());
  release.push(() => operationalEvents.close());
  release.push(() => reconciler.close());
  return {
    runner,
    startsBehindMs: afterAccept.startsBehindMs,
    accept,
    activities: runner && activitiesOf(options, parts, attempt, runner),
  };
}
