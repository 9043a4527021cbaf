/**
 * Every transition of a delivery, and the only writers of its state. `open_deliveries` holds what has not ended, and the
 * history `deliveries` gets each delivery once, when it ends.
 *
 *         acceptEvents, claimed by the acceptor      acceptEvents without room, held; fanOut; redeliver; replay
 *                      │                                                │
 *                      ▼            claimDue, claimDelivery             ▼
 *                  CLAIMED ◄───────────────────────────────────────  READY (run_at)
 *      (claimed_by, claim_until, claim)                                 ▲   │
 *                    │ │ │                                              │   │
 *                    │ │ └─ releaseClaims: nothing was sent ────────────┤   │
 *                    │ └─── recordAttempts: a retry follows ────────────┤   │
 *                    │      endLostClaims: recorded as WORKER_LOST ─────┘   │ endDeliveries, endDeliveriesOf
 *                    │                                                      │
 *                    ▼ recordAttempts: 2xx, permanent, exhausted            ▼
 *                  ENDED: deleted here, inserted into `deliveries` ◄────────┘
 *
 * endDeliveries marks a claimed delivery (end_status): it ends with the record, the release or the loss of its claim, and
 * a 2xx still makes it DELIVERED. HELD is not stored: a ready delivery is held while everything, its tenant or its
 * endpoint is paused.
 *
 * run_by says who makes the next attempt of a ready delivery, the activity of its workflow (assignToWorkflow) or any poller
 * (assignToQueue); the claim alone decides.
 *
 * A claim is a right of one process until a time. `claim` counts claims: record and release name theirs, so what comes
 * from an earlier claim changes nothing but the attempt that was assumed lost (recordLate).
 */
export { acceptEvents, type AcceptChoice, type MadeDelivery, type Stored } from './accept.js';
export {
  claimDelivery,
  claimDue,
  CONTENT,
  LEASE_MS,
  assignToQueue,
  assignToWorkflow,
  type ClaimDue,
  type ClaimedDelivery,
  type Due,
  type SentContent,
} from './claim.js';
export {
  attemptNow,
  cancelDelivery,
  endDeliveries,
  endDeliveriesOf,
  readOpen,
  releaseClaims,
  type EndStatus,
  type OpenBefore,
  type ReleasedClaim,
} from './end.js';
export { eventsFanningOut, fanOut, type FanOutPage, type WideEvent } from './fan-out.js';
export { claimsOlderThan, endLostClaims, type LostClaim } from './lost-claims.js';
export { MAX_FILTER_WORK, MOST_AT_ACCEPT } from './matching.js';
export { recordAttempt, recordAttempts, writeAttempts, type AttemptRecord } from './record.js';
export { insertRedelivery, type NewRedelivery } from './redeliver.js';
