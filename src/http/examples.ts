import { EXAMPLE_IDS } from './example-ids.js';

/** Answers in the OpenAPI document; a test checks them against the schema and a real answer. */

const { ep, evt, del, key, pos } = EXAMPLE_IDS;

const endpoint = {
  id: ep,
  tenant: 'default',
  url: 'https://shop.example/webhooks',
  event_types: ['order.*'],
  description: 'Shop',
  signature: 'hmac',
  public_key: null,
  headers: {},
  basic_auth: null,
  client_certificate: null,
  ca: null,
  extra_signature: null,
  content_type: null,
  body: 'payload',
  timeout_ms: 15_000,
  retry_on: 'default',
  filter: null,
  retry_schedule: null,
  permanent_statuses: [],
  metadata: {},
  status: 'enabled',
  status_reason: null,
  failing_since: null,
  created_at: '2026-11-24T22:30:18.142Z',
  updated_at: '2026-11-24T22:30:18.142Z',
};

export const endpointExample = { ...endpoint, secret: 'whsec_3Od7bnVRSQRhxUHrMDDvWDa1UzkYyKThi5pezpszU+0=' };

export const apiKeyExample = {
  id: key,
  name: 'shop',
  role: 'publisher',
  tenant: 'acme',
  rate_per_second: 100,
  created_by: 'admin',
  created_at: '2026-11-24T22:30:18.142Z',
  expires_at: null,
  last_used_at: null,
  revoked_at: null,
  key: 'shk_an-example-of-a-key-which-opens-nothing-at-all0',
};

/** Opens nothing; a test stores its hash. */
export const CODE_EXAMPLE = 'shc_an-example-of-a-code-that-opens-nothing-at0';

const portalSession = {
  id: pos,
  tenant: 'acme',
  scopes: ['read', 'replay'],
  return_url: 'https://shop.example/settings',
  link_expires_at: '2026-11-24T22:40:18.142Z',
  expires_at: '2026-11-24T23:30:18.142Z',
  created_by: key,
  created_at: '2026-11-24T22:30:18.142Z',
};

export const portalSessionExample = {
  ...portalSession,
  redeemed_at: null,
  revoked_at: null,
  url: `https://hooks.example.com/portal#${CODE_EXAMPLE}`,
  code: CODE_EXAMPLE,
};

export const redeemedExample = {
  ...portalSession,
  redeemed_at: '2026-11-24T22:31:02.518Z',
  revoked_at: null,
  token: 'shs_an-example-of-a-token-that-opens-nothing-00',
};

export const acceptedExample = {
  id: evt,
  type: 'order.created',
  tenant: 'default',
  idempotency_key: 'order-1001',
  created_at: '2026-11-24T22:30:18.167Z',
  duplicate: false,
  deliveries: [{ id: del, endpoint_id: ep, status: 'PENDING' }],
  delivery_count: 1,
};

export const deliveryExample = {
  id: del,
  event_id: evt,
  endpoint_id: ep,
  tenant: 'default',
  event_type: 'order.created',
  status: 'DELIVERED',
  status_reason: null,
  attempt_count: 1,
  max_attempts: 12,
  next_attempt_at: null,
  last_classification: 'DELIVERED',
  source_delivery_id: null,
  batch_id: null,
  workflow_id: 'deliver:default:order-1001',
  created_at: '2026-11-24T22:30:18.167Z',
  completed_at: '2026-11-24T22:30:18.381Z',
  attempts: [
    {
      id: 'att_01a20fae69eb74a993bca166fb8bff5b',
      number: 1,
      started_at: '2026-11-24T22:30:18.347Z',
      latency_ms: 24.1,
      timings: { dns: null, connect: 0.6, tls: null, first_byte: 4.5, total: 24.1 },
      remote_address: '192.0.2.1',
      http_status: 204,
      classification: 'DELIVERED',
      error: null,
      request_headers: { 'webhook-id': evt, 'webhook-attempt': '1', 'webhook-signature': '[redacted]' },
      response_headers: { date: 'Tue, 24 Nov 2026 22:30:18 GMT' },
      response_body: '',
      truncated: false,
      retry_after: null,
      next_attempt_at: null,
      stop_reason: null,
    },
  ],
  workflow_url: 'http://127.0.0.1:8233/namespaces/default/workflows/deliver%3Adefault%3Aorder-1001',
};
