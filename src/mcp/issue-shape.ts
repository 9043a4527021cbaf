import { z } from 'zod';
import type { Row } from '../client/index.js';
import * as fields from './fields.js';
import { short } from './foreign.js';

/** An issue, what fails at an endpoint with one classification, as tools answer it. */
export const issueShape = {
  id: z.string(),
  endpoint_id: z.string(),
  tenant: z.string(),
  classification: fields.classification,
  title: z.string(),
  explanation: z.string(),
  advice: z.string(),
  failed_count: fields.count.describe('Deliveries that ended FAILED.'),
  retrying_count: fields.count.describe('Open deliveries that are retrying, at least.'),
  first_seen_at: z.string(),
  last_seen_at: z.string(),
  sample_delivery_id: z.string().describe('The newest such delivery, for read_delivery.'),
};
type Issue = Row<'listIssues'>;

export function shownIssue(issue: Issue): z.output<z.ZodObject<typeof issueShape>> {
  const { id, endpoint_id, tenant, classification, title, explanation, advice } = issue;
  const { failed_count, retrying_count, first_seen_at, last_seen_at, sample_delivery_id } = issue;
  return {
    ...{ id, endpoint_id, tenant, classification, title, advice },
    // Quotes the error of an attempt.
    explanation: short(explanation),
    ...{ failed_count, retrying_count, first_seen_at, last_seen_at, sample_delivery_id },
  };
}

export const issueLines = (issue: Issue): string[] => [
  `${issue.title}, at ${issue.endpoint_id} of ${issue.tenant}: ${issue.failed_count} failed, ${issue.retrying_count} retrying, last ${issue.last_seen_at}, such as ${issue.sample_delivery_id}`,
  `  How to mend it: ${issue.advice}`,
];
