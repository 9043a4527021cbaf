export { deliverWebhook } from './deliver-webhook.js';
export { replayBatch } from './replay-batch.js';
