import type { AttemptTarget } from '../db/deliveries.js';
import { bodyOf, envelopeOf, JSON_TYPE } from '../webhook/content.js';
import { requestHeaders } from '../webhook/request-headers.js';
import type { SendRequest } from '../webhook/send.js';
import type { Sending } from './sending.js';

/** The event and the endpoint of a request. */
export type Requested = Omit<AttemptTarget, 'workflow_id' | 'held' | 'secrets' | 'sealed_settings'>;

/** The signed request of one attempt: the bytes that are signed are the bytes that are sent. */
export function buildRequest(
  { endpoint, ...event }: Requested,
  sending: Sending,
  { number, timestamp, version }: { number: number; timestamp: number; version: string },
): SendRequest {
  const isEnvelope = endpoint.body === 'envelope';
  const contentType = isEnvelope
    ? JSON_TYPE
    : (event.event_content_type ?? endpoint.content_type ?? JSON_TYPE);
  const body = isEnvelope ? envelopeOf(event) : bodyOf(event.payload, contentType);
  const headers = requestHeaders({
    own: sending.headers,
    ofEvent: event.event_headers ?? {},
    contentType,
    eventId: event.event_id,
    timestamp,
    signature: sending.sign(event.event_id, timestamp, body),
    attempt: number,
    eventType: event.event_type,
    version,
  });
  if (sending.extra) headers[sending.extra.header] = sending.extra.sign(body);
  return {
    url: endpoint.url,
    headers,
    body,
    timeoutMs: endpoint.timeout_ms,
    tenant: event.tenant,
    endpointId: endpoint.id,
    tls: sending.tls,
  };
}
