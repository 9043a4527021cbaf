import { getDelivery, type DeliveryWithAttempts, type StoredDelivery } from '../db/deliveries.js';
import { isOpen, type WorkflowMode } from '../domain/delivery.js';
import type { AppDeps } from './app-deps.js';
import { notFound } from './problem.js';

/** A delivery as the API shows it: with the page of its workflow. */
export function linkedDelivery<T extends StoredDelivery>(
  { workflowMode, workflowUrl, shownReason }: Pick<AppDeps, 'workflowMode' | 'workflowUrl' | 'shownReason'>,
  stored: T,
) {
  const { workflow_started, ...delivery } = stored;
  const status_reason = stored.status_reason && shownReason(stored.status_reason);
  const isLinked = workflow_started && getsWorkflow(workflowMode, stored);
  return { ...delivery, status_reason, workflow_url: isLinked ? workflowUrl(stored.workflow_id) : null };
}

/** Throws a 404 Problem if there is none. */
export async function findDelivery(
  { pool }: Pick<AppDeps, 'pool'>,
  id: string,
): Promise<DeliveryWithAttempts> {
  const delivery = await getDelivery(pool, id);
  if (!delivery) throw notFound('delivery', id);
  return delivery;
}

/** Whether deliveries like this get a workflow: with `open`, those that are still open after their first attempt. */
const getsWorkflow = (mode: WorkflowMode, delivery: StoredDelivery): boolean =>
  mode === 'all' || (mode === 'open' && delivery.attempt_count > (isOpen(delivery) ? 0 : 1));
