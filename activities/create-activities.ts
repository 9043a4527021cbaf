import type { EndDeliveriesInput, SendAttemptInput, SendAttemptResult } from '../workflows/contract.js';
import { recordOutcome, type RecordOutcomeInput } from './record-outcome.js';
import { sendAttempt, type ActivityDeps } from './send-attempt.js';

export interface DeliveryActivities {
  sendAttempt(input: SendAttemptInput): Promise<SendAttemptResult>;
  recordOutcome(input: RecordOutcomeInput): Promise<void>;
  endDeliveries(input: EndDeliveriesInput): Promise<void>;
}

export function createActivities(deps: ActivityDeps): DeliveryActivities {
  return {
    sendAttempt: (input) => sendAttempt(deps, input),
    recordOutcome: (input) => recordOutcome(deps, input),
    endDeliveries: async ({ deliveryIds, status, reason }) => {
      await deps.end(deliveryIds, status, reason);
    },
  };
}
