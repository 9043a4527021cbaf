import { z } from 'zod';
import { OPEN_STATUSES, STOP_REASONS } from '../../domain/delivery.js';
import { classification, count, deliveryStatus, headerValues, instant } from './common.js';

const milliseconds = z.number();
const iso = z.iso.datetime();

export const attempt = z
  .object({
    id: z.string(),
    number: z.int().min(1),
    started_at: iso,
    latency_ms: milliseconds,
    timings: z
      .object({
        dns: milliseconds.nullable(),
        connect: milliseconds.nullable(),
        tls: milliseconds.nullable(),
        first_byte: milliseconds.nullable(),
        total: milliseconds,
      })
      .nullable(),
    remote_address: z.string().nullable(),
    http_status: z.int().nullable(),
    classification,
    error: z.string().nullable(),
    request_headers: headerValues.meta({ description: 'Signature and credentials are redacted.' }),
    response_headers: headerValues,
    response_body: z.string().nullable().meta({ description: 'The first 4 KiB, as valid UTF-8.' }),
    truncated: z.boolean(),
    retry_after: z.string().nullable(),
    next_attempt_at: iso.nullable(),
    stop_reason: z.enum(STOP_REASONS).nullable().meta({
      description:
        'The `permanent_statuses` of the endpoint, or the header `webhook-delivery` of the answer, decided that no attempt follows.',
    }),
  })
  .meta({ id: 'Attempt', description: 'One HTTP request of a delivery.' });

const fields = {
  id: z.string(),
  event_id: z.string(),
  endpoint_id: z.string(),
  tenant: z.string(),
  event_type: z.string(),
  status: deliveryStatus,
  status_reason: z.string().nullable(),
  attempt_count: count,
  max_attempts: count,
  next_attempt_at: instant.nullable(),
  last_classification: classification.nullable(),
  source_delivery_id: z.string().nullable().meta({ description: 'The delivery that this one repeats.' }),
  batch_id: z.string().nullable(),
  workflow_id: z.string(),
  workflow_url: z
    .string()
    .nullable()
    .meta({ description: 'In the Temporal Web UI; null until the workflow has been started.' }),
  created_at: instant,
  completed_at: instant.nullable(),
};

export const delivery = z.object(fields).meta({ id: 'Delivery' });
export const deliveryWithAttempts = z
  .object({ ...fields, attempts: z.array(attempt) })
  .meta({ id: 'DeliveryWithAttempts' });

const feedAttempt = z
  .object({
    ...{ delivery_id: z.string(), number: z.int().min(1), max_attempts: count },
    ...{ event_id: z.string(), event_type: z.string(), endpoint_id: z.string(), tenant: z.string() },
    url: z.string().meta({ description: 'That of the endpoint now.' }),
    started_at: instant,
    latency_ms: milliseconds,
    http_status: z.int().nullable(),
    classification,
    error: z.string().nullable(),
    next_attempt_at: iso.nullable(),
    status: deliveryStatus.meta({ description: 'Of the delivery, after this attempt.' }),
  })
  .meta({ id: 'FeedAttempt' });

export const attemptFeed = z
  .object({
    data: z.array(feedAttempt),
    next_cursor: z.string().meta({ description: 'For `?after=`, also of an empty page.' }),
    has_more: z.boolean(),
  })
  .meta({ id: 'AttemptFeed' });

export const cancelReport = z
  .object({
    dry_run: z.boolean(),
    matched: count,
    cancelled: count,
    complete: z.boolean().meta({ description: 'False: more may be open, the same request goes on.' }),
    by_status: z.array(z.object({ status: z.enum(OPEN_STATUSES), count })),
    by_endpoint: z.array(z.object({ endpoint_id: z.string(), count })),
    by_event_type: z.array(z.object({ event_type: z.string(), count })),
    sample: z.array(z.string()).meta({ description: 'The first ids.' }),
  })
  .meta({ id: 'CancelReport' });
