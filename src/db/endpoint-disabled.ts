import type { StoredEndpoint } from './endpoints.js';
import type { Announcement } from './operational-events.js';

/** The event of an endpoint that an operator has disabled; `endpoint-outcome.ts` announces one that an answer has. */
export function endpointDisabled(endpoint: StoredEndpoint): Announcement {
  const { id, tenant, status_reason: reason, failing_since, updated_at } = endpoint;
  const disabled_at = updated_at.toISOString();
  return {
    type: 'endpoint.disabled',
    key: `${id}/${disabled_at}`,
    data: { endpoint_id: id, tenant, reason, failing_since, disabled_at },
  };
}
