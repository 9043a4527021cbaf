import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import type { DeliveryInput } from './contract.js';

/** Search attributes, for `temporal workflow list --query`. */
const TENANT = defineSearchAttributeKey('Tenant', SearchAttributeType.KEYWORD);
const EVENT_TYPE = defineSearchAttributeKey('EventType', SearchAttributeType.KEYWORD);
const BATCH_ID = defineSearchAttributeKey('BatchId', SearchAttributeType.KEYWORD);
const ENDPOINT_IDS = defineSearchAttributeKey('EndpointIds', SearchAttributeType.KEYWORD_LIST);

/** Search attributes of a `deliverWebhook`. */
export function searchAttributes(about: {
  tenant: string;
  eventType: string;
  deliveries: DeliveryInput[];
  batchId?: string | null | undefined;
  without?: string[] | undefined;
}): TypedSearchAttributes {
  const pairs = [
    { key: TENANT, value: about.tenant },
    { key: EVENT_TYPE, value: about.eventType },
    ...(about.batchId ? [{ key: BATCH_ID, value: about.batchId }] : []),
  ].filter(({ key }) => !about.without?.includes(key.name));
  return new TypedSearchAttributes([...pairs, ...endpointIds(about.deliveries, about.without)]);
}

export const batchSearchAttributes = (batchId: string, without: string[]) =>
  new TypedSearchAttributes(without.includes(BATCH_ID.name) ? [] : [{ key: BATCH_ID, value: batchId }]);

/** A workflow is found by the endpoints of its deliveries; the parent of parts by none. */
export function endpointIds(deliveries: DeliveryInput[], without: string[] = []) {
  if (deliveries.length === 0 || without.includes(ENDPOINT_IDS.name)) return [];
  return [{ key: ENDPOINT_IDS, value: deliveries.map((delivery) => delivery.endpointId) }];
}
