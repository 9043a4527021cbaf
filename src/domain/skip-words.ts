import type { SkipReason } from './batch.js';

/** Why an item is not delivered again, and what to do where something can be done. */
export const SKIP_WORDS: Record<SkipReason, string> = {
  in_progress: 'has not ended: retry or cancel it instead',
  delivered: 'was delivered: include delivered ones to replay it',
  already_replayed: 'has a later delivery of the same event to the same endpoint: choose that one',
  endpoint_disabled: 'goes to a disabled endpoint: enable it first',
  endpoint_deleted: 'goes to an endpoint that was deleted',
  payload_expired: 'belongs to an event that is no longer kept',
  duplicate_id: 'was given twice',
  duplicate: 'is the same event to the same endpoint as an earlier item',
  not_found: 'does not exist',
  foreign_tenant: 'belongs to another tenant',
};
