import { z } from 'zod';
import { count, deliveryStatus, headerValues, instant, pageOf, problemPart } from './common.js';

const fields = {
  id: z.string(),
  type: z.string(),
  tenant: z.string(),
  idempotency_key: z.string(),
  created_at: instant,
  delivery_count: count
    .nullable()
    .meta({ description: 'Deliveries made with the event; null while more are being made.' }),
};
const deliveries = z
  .array(z.object({ id: z.string(), endpoint_id: z.string(), status: deliveryStatus }))
  .meta({ description: 'The first 100.' });

export const acceptedEvent = z
  .object({ ...fields, duplicate: z.boolean(), deliveries })
  .meta({ id: 'AcceptedEvent' });

export const listedEvent = z.object({ ...fields, workflow_id: z.string() }).meta({ id: 'ListedEvent' });

export const event = z
  .object({
    ...listedEvent.shape,
    headers: headerValues.nullable().meta({ description: 'Values that look like credentials are redacted.' }),
    content_type: z.string().nullable(),
    deliveries,
    payload: z.unknown().meta({ description: 'As it was posted.' }),
  })
  .meta({ id: 'Event' });

const eventWithOutcome = listedEvent
  .extend({
    outcome: z.partialRecord(deliveryStatus, count).optional().meta({
      description:
        'With `outcomes=true`: endpoints by the status of the newest delivery to each; absent above 100 deliveries.',
    }),
  })
  .meta({ id: 'EventWithOutcome' });

export const eventList = pageOf(eventWithOutcome).meta({ id: 'EventList' });

export const eventSearch = z
  .object({
    data: z.array(listedEvent).meta({ description: 'Newest first.' }),
    next_cursor: z.string().nullable().meta({
      description: 'Goes on with older events, also after an empty page; null: all are searched.',
    }),
    examined: count.meta({ description: 'Events whose payload was looked at.' }),
    searched_to: instant.nullable().meta({
      description: 'When the oldest of them was accepted; null: there was none.',
    }),
  })
  .meta({ id: 'EventSearch' });

export const eventFeed = z
  .object({
    data: z.array(listedEvent),
    next_cursor: z.string().meta({ description: 'For `?after=`, also of an empty page.' }),
    has_more: z.boolean(),
    held_back_since: instant.nullable().meta({
      description: 'When the oldest stored event that is not in the feed yet was accepted.',
    }),
  })
  .meta({ id: 'EventFeed' });

const accepted = z.object({ status: z.union([z.literal(200), z.literal(202)]), id: z.string() });
const refused = z.object({
  status: z.int().min(400),
  error: problemPart([
    'validation_failed',
    'foreign_tenant',
    'idempotency_conflict',
    'payload_too_large',
    'rate_limited',
    'reserved_key',
    'reserved_type',
    'schema_violation',
    'schema_work_exceeded',
    'unknown_endpoint',
    'internal_error',
    'overloaded',
    'unavailable',
  ]),
});
export const eventResults = z
  .object({
    results: z
      .array(z.union([accepted, refused]))
      .meta({ description: 'In the order of the events: as the answer to each one alone.' }),
  })
  .meta({ id: 'EventResults' });
