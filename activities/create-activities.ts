import type { AttemptDeps } from '../src/delivery/attempt.js';
import type { EndDeliveriesInput, SendAttemptInput, SendAttemptResult } from '../workflows/contract.js';
import { recordOutcome, type RecordOutcomeInput } from './record-outcome.js';
import { sendAttempt } from './send-attempt.js';

export type ActivityDeps = AttemptDeps;

export interface Activities {
  sendAttempt(input: SendAttemptInput): Promise<SendAttemptResult>;
  recordOutcome(input: RecordOutcomeInput): Promise<void>;
  endDeliveries(input: EndDeliveriesInput): Promise<void>;
}

export function createActivities(deps: ActivityDeps): Activities {
  return {
    sendAttempt: (input) => sendAttempt(deps, input),
    recordOutcome: (input) => recordOutcome(deps, input),
    endDeliveries: async ({ deliveryIds, status, reason }) => {
      await deps.end(deliveryIds, status, reason);
    },
  };
}
