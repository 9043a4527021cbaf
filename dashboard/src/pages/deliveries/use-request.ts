import { useQuery } from '@tanstack/react-query';
import { endpointQuery } from '../../api/endpoint';
import { eventQuery } from '../../api/event';
import type { Attempt, Delivery } from '../../api/types';
import { sentBody } from '../../lib/content';

/**
 * The body of an attempt, made of the event again as it was for the request: it is not stored twice. `url` and the form of
 * the body are the endpoint's as it is now.
 */
export function useRequest(attempt: Attempt, delivery: Delivery) {
  const event = useQuery(eventQuery(delivery.event_id));
  const endpoint = useQuery(endpointQuery(delivery.endpoint_id));
  const headers = attempt.request_headers;
  const form = endpoint.data?.body ?? 'payload';
  const contentType = headers['content-type'] ?? 'application/json';
  return {
    event,
    /** Undefined: the endpoint is deleted, or not read yet. */
    endpoint: endpoint.data,
    body: event.data && !endpoint.isPending ? sentBody(event.data, { form, contentType }) : null,
    id: headers['webhook-id'] ?? delivery.event_id,
    /** Null: the attempt has no headers, because its process was lost. */
    timestamp: headers['webhook-timestamp'] ?? null,
  };
}
