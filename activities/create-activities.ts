import type { DeliveryStatus } from '../src/domain/delivery.js';
import type { TemporalEnding } from '../src/db/temporal-endings.js';
import type {
  DeliveryInput,
  EndDeliveriesInput,
  ListDeliveriesInput,
  RecordOutcomeInput,
  SendAttemptInput,
  SendAttemptResult,
} from '../workflows/contract.js';
import { recordOutcome, type RecordOutcomeDeps } from './record-outcome.js';
import { sendAttempt, type SendAttemptDeps } from './send-attempt.js';

export interface DeliveryActivities {
  sendAttempt(input: SendAttemptInput): Promise<SendAttemptResult>;
  recordOutcome(input: RecordOutcomeInput): Promise<void>;
  listDeliveries(input: ListDeliveriesInput): Promise<DeliveryInput[]>;
  endDeliveries(input: EndDeliveriesInput): Promise<void>;
  auditCompleted(input: { deliveryId: string }): Promise<void>;
}

export interface ActivityDeps extends SendAttemptDeps, RecordOutcomeDeps {
  listDeliveries(input: ListDeliveriesInput): Promise<DeliveryInput[]>;
  end(deliveryIds: string[], status: EndDeliveriesInput['status'], reason: string): Promise<unknown>;
  /** Ends deliveries because of what was done in Temporal, audited. */
  endByTemporal(
    deliveryIds: string[],
    status: Extract<DeliveryStatus, 'FAILED' | 'CANCELLED'>,
    reason: string,
    ending: TemporalEnding,
  ): Promise<unknown>;
  /** Audits that an activity was completed by hand. */
  auditCompleted(deliveryId: string): Promise<void>;
}

export function createActivities(deps: ActivityDeps): DeliveryActivities {
  return {
    sendAttempt: (input) => sendAttempt(deps, input),
    recordOutcome: (input) => recordOutcome(deps, input),
    listDeliveries: (input) => deps.listDeliveries(input),
    endDeliveries: async ({ deliveryIds, status, reason, byTemporal }) => {
      const action = status === 'FAILED' ? 'delivery.fail' : 'delivery.cancel';
      if (byTemporal) await deps.endByTemporal(deliveryIds, status, reason, { action });
      else await deps.end(deliveryIds, status, reason);
    },
    auditCompleted: ({ deliveryId }) => deps.auditCompleted(deliveryId),
  };
}
