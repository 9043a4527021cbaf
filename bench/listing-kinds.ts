/** The value searched for: that of a delivery of the table, chosen at random. */
export interface Sample {
  id: string;
  event_id: string;
  endpoint_id: string;
  tenant: string;
  event_type: string;
  idempotency_key: string;
  created_at: Date;
  /** An endpoint of tenant-1 that has only failures, the busiest one, and a batch of 20,000. */
  dead: string;
  hot: string;
  batch: string;
}

type Kinds = Record<string, (of: Sample) => string>;
export type Group = keyof typeof KINDS;

const day = (at: Date, days: number) => new Date(at.getTime() + days * 24 * 60 * 60 * 1_000).toISOString();

const list = {
  deliveries: () => '/v1/deliveries',
  'deliveries, 250 of them': () => '/v1/deliveries?limit=250',
  'deliveries of a day': ({ created_at: at }) => `/v1/deliveries?from=${day(at, -1)}&to=${day(at, 0)}`,
  events: () => '/v1/events',
  'events of a day': ({ created_at: at }) => `/v1/events?from=${day(at, -1)}&to=${day(at, 0)}`,
} satisfies Kinds;

const one = {
  delivery: ({ id }) => `/v1/deliveries/${id}`,
  event: ({ event_id }) => `/v1/events/${event_id}`,
  'deliveries of an event': ({ event_id }) => `/v1/deliveries?event_id=${event_id}`,
  'event by its key': ({ idempotency_key }) => `/v1/events?idempotency_key=${idempotency_key}`,
  'event by tenant and key': (of) => `/v1/events?tenant=${of.tenant}&idempotency_key=${of.idempotency_key}`,
  'no event of that key': ({ id }) => `/v1/events?idempotency_key=${id}`,
} satisfies Kinds;

const deliveries: Record<string, string | ((of: Sample) => string)> = {
  tenant: ({ tenant }) => `tenant=${tenant}`,
  'the big tenant': 'tenant=big',
  'a tiny tenant': 'tenant=tenant-95',
  'no such tenant': 'tenant=nobody',
  endpoint: ({ endpoint_id }) => `endpoint_id=${endpoint_id}`,
  DELIVERED: 'status=DELIVERED',
  FAILED: 'status=FAILED',
  IN_PROGRESS: 'status=IN_PROGRESS',
  HELD: 'status=HELD',
  CANCELLED: 'status=CANCELLED',
  PENDING: 'status=PENDING',
  type: ({ event_type }) => `event_type=${event_type}`,
  'rare type': 'event_type=account.closed',
  'no such type': 'event_type=no.such',
  'classification DELIVERED': 'classification=DELIVERED',
  'classification TIMEOUT': 'classification=TIMEOUT',
  'classification WORKER_LOST, rare': 'classification=WORKER_LOST',
  'classification DNS_ERROR, never': 'classification=DNS_ERROR',
  batch: ({ batch }) => `batch_id=${batch}`,
  'batch + FAILED, none': ({ batch }) => `batch_id=${batch}&status=FAILED`,
  'batch + type': (of) => `batch_id=${of.batch}&event_type=${of.event_type}`,
  'tenant + DELIVERED': ({ tenant }) => `tenant=${tenant}&status=DELIVERED`,
  'tenant + FAILED': ({ tenant }) => `tenant=${tenant}&status=FAILED`,
  'tenant + HELD, mostly none': ({ tenant }) => `tenant=${tenant}&status=HELD`,
  'tiny tenant + FAILED': 'tenant=tenant-95&status=FAILED',
  'endpoint + FAILED': ({ endpoint_id }) => `endpoint_id=${endpoint_id}&status=FAILED`,
  'endpoint with only failures + DELIVERED': ({ dead }) => `endpoint_id=${dead}&status=DELIVERED`,
  'endpoint with only failures + FAILED': ({ dead }) => `endpoint_id=${dead}&status=FAILED`,
  'endpoint + type': (of) => `endpoint_id=${of.endpoint_id}&event_type=${of.event_type}`,
  'busiest endpoint + a type it never gets': ({ hot }) => `endpoint_id=${hot}&event_type=order.shipped`,
  'busiest endpoint + another tenant': ({ hot }) => `endpoint_id=${hot}&tenant=tenant-2`,
  'endpoint + its tenant': (of) => `endpoint_id=${of.endpoint_id}&tenant=${of.tenant}`,
  'tenant + type': (of) => `tenant=${of.tenant}&event_type=${of.event_type}`,
  'tenant + rare type': ({ tenant }) => `tenant=${tenant}&event_type=dispute.lost`,
  'big tenant + a common type it never sends': 'tenant=big&event_type=order.shipped',
  'FAILED + type': ({ event_type }) => `status=FAILED&event_type=${event_type}`,
  'DELIVERED + rare type': 'status=DELIVERED&event_type=account.closed',
  'CANCELLED + rare type, none': 'status=CANCELLED&event_type=account.closed',
  'tenant + TIMEOUT': ({ tenant }) => `tenant=${tenant}&classification=TIMEOUT`,
  'tenant + DNS_ERROR, none': ({ tenant }) => `tenant=${tenant}&classification=DNS_ERROR`,
  'endpoint + HTTP_5XX_RETRYABLE': (of) => `endpoint_id=${of.endpoint_id}&classification=HTTP_5XX_RETRYABLE`,
  'FAILED + TIMEOUT': 'status=FAILED&classification=TIMEOUT',
  'DELIVERED + TIMEOUT, none': 'status=DELIVERED&classification=TIMEOUT',
  'FAILED + DELIVERED, none': 'status=FAILED&classification=DELIVERED',
  'tenant + type + FAILED': (of) => `tenant=${of.tenant}&event_type=${of.event_type}&status=FAILED`,
  'tenant + type + DELIVERED': (of) => `tenant=${of.tenant}&event_type=${of.event_type}&status=DELIVERED`,
  'tenant + type + TIMEOUT': (of) => `tenant=${of.tenant}&event_type=${of.event_type}&classification=TIMEOUT`,
  'tenant + FAILED + a day': (of) =>
    `tenant=${of.tenant}&status=FAILED&from=${day(of.created_at, -1)}&to=${day(of.created_at, 0)}`,
  'big tenant + FAILED + a type it never sends': 'tenant=big&status=FAILED&event_type=order.shipped',
};

const events: typeof deliveries = {
  'events of a tenant': ({ tenant }) => `tenant=${tenant}`,
  'events of a type': ({ event_type }) => `type=${event_type}`,
  'events of a rare type': 'type=account.closed',
  'events of no such type': 'type=no.such',
  'events of tenant + type': (of) => `tenant=${of.tenant}&type=${of.event_type}`,
  'events of tenant + rare type': ({ tenant }) => `tenant=${tenant}&type=dispute.lost`,
  'events of the big tenant + a common type it never sends': 'tenant=big&type=order.shipped',
};

const stats = {
  'of a day': () => '/v1/stats',
  'of a week by the hour': () => `/v1/stats?from=${day(new Date(), -7)}`,
  'of six hours by the minute': () => `/v1/stats?from=${day(new Date(), -0.25)}&bucket=minute`,
  'of a tenant': ({ tenant }) => `/v1/stats?tenant=${tenant}&from=${day(new Date(), -7)}`,
  'of an endpoint': ({ endpoint_id }) => `/v1/endpoints/${endpoint_id}/stats?from=${day(new Date(), -7)}`,
} satisfies Kinds;

/** Searches as an operator types them: parts of a payload that many, one or no event has. */
const texts = {
  'of every event': () => '/v1/events/search?text=order_id',
  'of one event': ({ event_id }) =>
    `/v1/events/search?text=${encodeURIComponent(`"order_id":"${Number.parseInt(event_id.slice(-5), 16) % 490_000}"`)}`,
  'of no event': () => '/v1/events/search?text=no%20such%20text',
  'of no event of a tenant': ({ tenant }) => `/v1/events/search?text=no%20such%20text&tenant=${tenant}`,
  'of no event of a rare type': () => '/v1/events/search?text=no%20such%20text&type=account.closed',
  'of no event of a day': ({ created_at: at }) =>
    `/v1/events/search?text=no%20such%20text&from=${day(at, -1)}&to=${day(at, 0)}`,
} satisfies Kinds;

const issues = {
  open: () => '/v1/issues',
  'of all states': () => '/v1/issues?status=all&limit=250',
  'of a tenant': ({ tenant }) => `/v1/issues?tenant=${tenant}`,
  'of an endpoint': ({ endpoint_id }) => `/v1/issues?endpoint_id=${endpoint_id}&status=all`,
  'of the endpoint that only fails': ({ dead }) => `/v1/issues?endpoint_id=${dead}`,
} satisfies Kinds;

const at = (path: string, filters: typeof deliveries): Kinds =>
  Object.fromEntries(
    Object.entries(filters).map(([kind, filter]) => [
      kind,
      (of) => `${path}?${typeof filter === 'string' ? filter : filter(of)}`,
    ]),
  );

/** By the row of the report that they are part of. */
export const KINDS = {
  list,
  statistics: stats,
  issues,
  'one by its id': one,
  'search by text': texts,
  'search by filter': { ...at('/v1/deliveries', deliveries), ...at('/v1/events', events) },
} satisfies Record<string, Kinds>;
