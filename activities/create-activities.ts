import type {
  AttemptSummary,
  EndDeliveriesInput,
  RecordLostInput,
  SendAttemptInput,
  SendAttemptResult,
} from '../workflows/contract.js';
import { recordLost, recordOutcome, type RecordOutcomeInput } from './record-outcome.js';
import { sendAttempt, type ActivityDeps } from './send-attempt.js';

export interface DeliveryActivities {
  sendAttempt(input: SendAttemptInput): Promise<SendAttemptResult>;
  recordOutcome(input: RecordOutcomeInput): Promise<void>;
  recordLost(input: RecordLostInput): Promise<AttemptSummary[]>;
  endDeliveries(input: EndDeliveriesInput): Promise<void>;
  auditCompleted(input: { deliveryId: string }): Promise<void>;
}

export function createActivities(deps: ActivityDeps): DeliveryActivities {
  return {
    sendAttempt: (input) => sendAttempt(deps, input),
    recordOutcome: (input) => recordOutcome(deps, input),
    recordLost: (input) => recordLost(deps, input),
    endDeliveries: async ({ deliveryIds, status, reason, byTemporal }) => {
      const action = status === 'FAILED' ? 'delivery.fail' : 'delivery.cancel';
      if (byTemporal) await deps.endByTemporal(deliveryIds, status, reason, { action });
      else await deps.end(deliveryIds, status, reason);
    },
    auditCompleted: ({ deliveryId }) => deps.auditCompleted(deliveryId),
  };
}
