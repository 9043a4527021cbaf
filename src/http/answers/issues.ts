import { z } from 'zod';
import { ISSUE_STATUSES } from '../../domain/issue.js';
import { classification, count, instant } from './common.js';
import { endpointStatus } from './endpoints.js';

export const issue = z
  .object({
    id: z.string(),
    endpoint_id: z.string(),
    endpoint_url: z.string(),
    endpoint_status: endpointStatus,
    tenant: z.string(),
    classification,
    status: z.enum(ISSUE_STATUSES).meta({
      description: 'An acknowledged issue is open again when it fails after the acknowledgement.',
    }),
    first_seen_at: instant,
    last_seen_at: instant,
    attempt_count: count.meta({ description: 'Failed attempts of this endpoint and classification.' }),
    failed_count: count.meta({
      description:
        'Deliveries that ended FAILED with this classification, also those that were replayed since.',
    }),
    retrying_count: count.meta({
      description:
        'Open deliveries whose last attempt has this classification, at least: a bounded number of the endpoint’s open deliveries is looked at.',
    }),
    sample_delivery_id: z.string().meta({ description: 'A delivery with such a failure, the newest.' }),
    title: z.string(),
    explanation: z.string().meta({ description: 'The fault in words.' }),
    advice: z.string().meta({ description: 'How to mend it, in words.' }),
    acknowledged_at: instant.nullable().meta({
      description:
        'The last acknowledgement, also of an issue that failed again since; null: none, or reopened.',
    }),
    acknowledged_by: z.string().nullable(),
    note: z.string().nullable().meta({ description: 'Of the acknowledgement.' }),
  })
  .meta({ id: 'Issue', description: 'The failures of an endpoint with one classification.' });
