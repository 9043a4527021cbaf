import type { Endpoint } from '../../api/types';

export interface Choice {
  what: 'failed' | 'missing';
  /** Null: all of them. */
  endpointId: string | null;
  since: string;
}

/** The choice as a filter of replay batches. */
export const filterOf = ({ what, endpointId, since }: Choice) => ({
  from: since,
  ...(endpointId === null ? {} : { endpoint_id: endpointId }),
  ...(what === 'missing' ? { missing: true } : { status: 'FAILED' as const }),
});

const REASONS: Record<string, string> = {
  in_progress: 'are still being sent',
  delivered: 'have been delivered',
  already_replayed: 'were replayed before',
  endpoint_disabled: 'belong to a disabled endpoint: enable it first',
  endpoint_deleted: 'belong to a deleted endpoint',
  payload_expired: 'are no longer kept',
  duplicate: 'are the same event to the same endpoint',
  duplicate_id: 'were chosen twice',
};

/** Why some are left out: `3 were replayed before`. */
export const skippedInWords = (skipped: Record<string, number>): string[] =>
  Object.entries(skipped).map(([reason, count]) => `${count} ${REASONS[reason] ?? 'cannot be sent'}`);

export const urlOf = (endpoints: Endpoint[], id: string): string =>
  endpoints.find((endpoint) => endpoint.id === id)?.url ?? id;
