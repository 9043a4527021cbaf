import type { StoredDelivery } from '../../src/db/deliveries.js';
import type { Attempt, DeliveryStatus } from '../../src/domain/delivery.js';
import { eventually, type TestService } from './service.js';

export type Delivery = StoredDelivery & { attempts: Attempt[] };

export interface Accepted {
  id: string;
  idempotency_key: string;
  duplicate: boolean;
  deliveries: { id: string; endpoint_id: string; status: DeliveryStatus }[];
}

export async function createEndpoint(
  t: TestService,
  url: string,
  over: Record<string, unknown> = {},
): Promise<{ id: string; secret: string }> {
  const body = { url, event_types: ['*'], ...over };
  const answer = await t.call<{ id: string; secret: string }>('POST', '/v1/endpoints', body);
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

export async function postEvent(t: TestService, over: Record<string, unknown> = {}): Promise<Accepted> {
  const body = { type: 'order.created', payload: { n: 1 }, ...over };
  const answer = await t.call<Accepted>('POST', '/v1/events', body);
  if (answer.status !== 202) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

export async function getDelivery(t: TestService, id: string): Promise<Delivery> {
  return (await t.call<Delivery>('GET', `/v1/deliveries/${id}`)).body;
}

/** Waits until the delivery has one of these statuses, by default an ended one. */
export function deliveryIn(
  t: TestService,
  id: string,
  statuses: DeliveryStatus[] = ['DELIVERED', 'FAILED', 'CANCELLED'],
  ms?: number,
): Promise<Delivery> {
  return eventually(async () => {
    const delivery = await getDelivery(t, id);
    return statuses.includes(delivery.status) && delivery;
  }, ms);
}

/** Waits until the next attempt of a delivery has been due for so long that it would have been made. */
export const untilPastDue = ({ next_attempt_at }: Delivery): Promise<unknown> =>
  eventually(() => Promise.resolve(Date.now() > Date.parse(String(next_attempt_at)) + 500));
