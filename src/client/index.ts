export { createClient, type SurehookClient } from './client.js';
export * from './errors.js';
export type { Handler } from './listener.js';
export type { Answer, Body, Filters, OperationId, Row } from './operations.js';
export { Pages, type Page } from './pages.js';
export { rawJson, type RawJson } from './raw-json.js';
export type { ReceivedEvent } from './receive-event.js';
export type { ClientOptions, RequestOptions } from './request.js';
export {
  verifyWebhook,
  WebhookVerificationError,
  type VerifiedWebhook,
  type WebhookHeaders,
} from './verify-webhook.js';
