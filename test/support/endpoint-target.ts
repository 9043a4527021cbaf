import type { EndpointTarget, SentEndpoint } from '../../src/db/endpoint-targets.js';

/** An endpoint as an attempt gets it, with the default settings. */
export function endpointTarget(
  endpoint: Partial<SentEndpoint> & { id: string; url: string },
  over: Partial<EndpointTarget> = {},
): EndpointTarget {
  return {
    endpoint: {
      ...{ headers: {}, basic_auth: null, client_certificate: null, ca: null, extra_signature: null },
      ...{ content_type: null, body: 'payload', timeout_ms: 10_000, deleted: false },
      ...{ retry_on: 'default', retry_schedule: null, permanent_statuses: [] },
      ...endpoint,
    },
    ...{ sealed_settings: null, secrets: [], held: null },
    ...over,
  };
}
