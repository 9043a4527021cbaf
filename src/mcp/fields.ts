import { z } from 'zod';
import { CLASSIFICATIONS, DELIVERY_STATUSES } from '../domain/delivery.js';

/** Fields that several tools take or answer. */
export const count = z.int().min(0);
export const status = z.enum(DELIVERY_STATUSES);
export const classification = z.enum(CLASSIFICATIONS);

export const deliveryId = z.string().describe('Such as del_01a20fae69377ee7a2dc3ca20f2a3888.');
export const endpointId = z.string().describe('Such as ep_01a20fae692075fcab6cdb5e7c74022b.');
export const eventId = z.string().describe('Such as evt_01a20fae693771d6861e317f7286f447.');
export const tenant = z.string().describe('The customer whose it is, such as acme.');
export const reason = z.string().min(1).max(500).describe('One line for the audit: why this is done.');

const time = (bound: string) =>
  z.string().exactOptional().describe(`${bound} ISO 8601, such as 2026-01-31T12:00:00Z.`);
export const period = { from: time('At or after this time.'), to: time('Before this time.') };

/** The filters of deliveries, as fields of an input. */
export const deliveryFilter = {
  tenant: tenant.exactOptional(),
  endpoint_id: endpointId.exactOptional(),
  event_type: z.string().exactOptional().describe('Such as order.created; no wildcard.'),
  classification: classification.exactOptional().describe('Of the last attempt.'),
  ...period,
};

export const page = {
  limit: z.int().min(1).max(50).default(20),
  cursor: z.string().exactOptional().describe('next_cursor of the page before.'),
};
export const nextCursor = z.string().nullable().describe('For cursor; null: there are no more.');

export const more = (next: string | null): string[] =>
  next === null ? [] : [`There are more: cursor ${next}`];
