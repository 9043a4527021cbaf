import type { Logger } from 'pino';
import { SUREHOOK, TEMPORAL, type Actor } from '../db/audit.js';
import type { BatchChange } from '../db/batches.js';
import { batchWorkflowId } from '../../workflows/contract.js';
import type { WorkflowGateway } from './workflow-gateway.js';

export interface ReconcileBatchDeps {
  workflows: WorkflowGateway;
  changeBatch(id: string, change: BatchChange, by: { actor: Actor; reason: string | null }): Promise<unknown>;
  log: Logger;
}

/**
 * Signals a batch's workflow that its row has changed, and starts it where it is gone. Where an operator has ended it in
 * Temporal, the batch becomes CANCELLED first; its new workflow only ends what it has left.
 */
export async function reconcileBatch(deps: ReconcileBatchDeps, batchId: string): Promise<void> {
  const status = await deps.workflows.statusOf(batchWorkflowId(batchId));
  const ended =
    status === 'FAILED' ? 'fail' : ['TERMINATED', 'CANCELLED'].includes(status ?? '') ? 'cancel' : null;
  if (ended) {
    const by = {
      actor: ended === 'cancel' ? TEMPORAL : SUREHOOK,
      reason: `workflow ${status!.toLowerCase()}`,
    };
    // Forbidden if the batch has ended already.
    if ((await deps.changeBatch(batchId, { kind: ended }, by)) === 'changed') {
      deps.log.warn({ batch_id: batchId, workflow_status: status }, 'batch ended, as its workflow was');
    }
  }
  await deps.workflows.signalWithStartBatch(batchId);
}
