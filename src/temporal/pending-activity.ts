import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Trail } from '../../workflows/contract.js';

/** An activity that has not ended, as Temporal describes its workflow. */
type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** PendingActivityState: SCHEDULED, PAUSED. */
const BETWEEN_TRIES = [1, 4];

export const pendingActivity = (described: WorkflowExecutionDescription | null, id: string) =>
  described?.raw.pendingActivities?.find(({ activityId }) => activityId === id);

export const isBetweenTries = ({ state }: PendingActivity) => BETWEEN_TRIES.includes(Number(state));

/** How many attempts its last try knew. */
export function attemptsOf({ heartbeatDetails }: PendingActivity): number {
  const [payload] = heartbeatDetails?.payloads ?? [];
  return payload ? defaultPayloadConverter.fromPayload<Trail>(payload).attempts.length : 0;
}
