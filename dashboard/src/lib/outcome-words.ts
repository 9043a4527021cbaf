import type { DeliveryStatus } from '../../../src/domain/delivery.js';

type Outcome = Partial<Record<DeliveryStatus, number>>;

/** The order in which a person should see them. */
const BY_WEIGHT: readonly DeliveryStatus[] = [
  'FAILED',
  'IN_PROGRESS',
  'HELD',
  'PENDING',
  'CANCELLED',
  'DELIVERED',
];

/**
 * `Delivered` of one delivery; `2 of 3 delivered, 1 retrying` of several; null of none. `status`: the one to see first.
 */
export function outcomeInWords(
  outcome: Outcome,
  labelOf: (status: DeliveryStatus) => string,
): { label: string; status: DeliveryStatus } | null {
  const found = BY_WEIGHT.filter((status) => (outcome[status] ?? 0) > 0);
  const [status] = found;
  if (status === undefined) return null;
  const all = found.reduce((sum, one) => sum + outcome[one]!, 0);
  if (all === 1) return { label: labelOf(status), status };
  if (status === 'DELIVERED') return { label: `${all} delivered`, status };
  const others = found
    .filter((one) => one !== 'DELIVERED')
    .map((one) => `${outcome[one]} ${labelOf(one).toLowerCase()}`);
  return { label: [`${outcome.DELIVERED ?? 0} of ${all} delivered`, ...others].join(', '), status };
}
