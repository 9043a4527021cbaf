import {
  createActivities,
  createReplayActivities,
  withoutData,
  type Activities,
  type ActivityDeps,
} from '../../activities/index.js';
import { readProgress, type Progress } from '../db/deliveries.js';
import { claimDelivery, endDeliveries, assignToWorkflow } from '../db/open-deliveries/index.js';
import { transaction } from '../db/pool.js';
import { auditCompleted, endByTemporal } from '../db/temporal-endings.js';
import { deliveriesOfPart } from '../db/workflow-starts.js';
import type { AttemptDeps } from '../delivery/attempt.js';
import type { Runner } from '../delivery/runner.js';
import { withConcurrencyLimit } from '../lib/batcher.js';
import { LOOK_UPS, withLookUpLimit, type DeliveryParts } from './delivery-parts.js';
import type { ServiceOptions } from './service-options.js';

/** The activities of a worker: of deliveries and of replay batches. */
export function activitiesOf(
  options: ServiceOptions,
  { processId, pool, hot, workflows, retryPolicy, secrets }: DeliveryParts,
  attempt: AttemptDeps,
  runner: Runner,
): Activities {
  const { log, workflows: mode = 'all' } = options;
  const endings: Pick<ActivityDeps, 'end' | 'endByTemporal'> = {
    end: (ids, status, reason) => transaction(pool, (db) => endDeliveries(db, ids, status, reason)),
    // An operator may cancel thousands of workflows at once.
    endByTemporal: withLookUpLimit((ids, status, reason, ending) =>
      endByTemporal(pool, ids, status, reason, ending),
    ),
  };
  const deliveries = createActivities({
    ...endings,
    join: (id) => runner.join(id),
    run: (claimed, claimedAt) => runner.run(claimed, claimedAt),
    isRecording: (id) => runner.isRecording(id),
    assignToWorkflow: (id) => assignToWorkflow(hot, id),
    read: withConcurrencyLimit<string, Progress | null>((id) => readProgress(hot, id), LOOK_UPS),
    claim: withLookUpLimit((id, { now }) => claimDelivery(hot, id, { process: processId, now })),
    attempted: (execution, deliveryId, summary) => workflows.attempted(execution, deliveryId, summary),
    listDeliveries: async ({ eventId, workflowId }) =>
      (await deliveriesOfPart(pool, eventId, workflowId)).map(({ id, endpoint_id }) => ({
        id,
        endpointId: endpoint_id,
      })),
    record: attempt.record,
    auditCompleted: (id) => auditCompleted(pool, id),
    secrets,
    log,
  });
  const batches = createReplayActivities({
    pool,
    workflows,
    startsWorkflows: mode === 'all',
    maxAttempts: retryPolicy.maximumAttempts,
    log,
  });
  return withoutData({ ...deliveries, ...batches });
}
