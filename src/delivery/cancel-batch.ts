import type { Logger } from 'pino';
import { cancelPage, type CancelledPage } from '../db/batch-run.js';
import type { Pool } from '../db/pool.js';
import type { WorkflowGateway } from './workflow-gateway.js';

export interface CancelBatchDeps {
  pool: Pool;
  workflows: Pick<WorkflowGateway, 'cancelDeliveries'>;
  /** Whether deliveries have workflows. */
  startsWorkflows: boolean;
  log: Logger;
}

/** Workflows signalled by one call: the activities of the others find out by themselves. */
const MAX_SIGNALS = 1_000;
const SIGNALS_AT_ONCE = 8;

/**
 * Cancels the open deliveries of a cancelled batch, page by page, each page one commit, at most until `until`. False:
 * more may be left.
 */
export async function cancelBatch(deps: CancelBatchDeps, batchId: string, until: number): Promise<boolean> {
  const started: CancelledPage['started'] = [];
  let after: string | null = '';
  while (after !== null && Date.now() < until) {
    const page: CancelledPage = await cancelPage(deps.pool, batchId, after);
    if (started.length < MAX_SIGNALS) started.push(...page.started);
    after = page.last;
  }
  if (deps.startsWorkflows) void signal(deps, started.slice(0, MAX_SIGNALS));
  return after === null;
}

/** In the background: a workflow that gets no signal waits until its next attempt is due. */
async function signal({ workflows, log }: CancelBatchDeps, left: CancelledPage['started']): Promise<void> {
  const next = async () => {
    for (let one = left.pop(); one; one = left.pop())
      await workflows.cancelDeliveries(one.workflow_id, [one.id]);
  };
  await Promise.all(Array.from({ length: SIGNALS_AT_ONCE }, next)).catch((error: unknown) => {
    left.length = 0;
    log.debug({ err: error }, 'workflows of cancelled deliveries not signalled');
  });
}
