import { z } from 'zod';

/** State of the page in the URL. A value that is not understood is left out: an address typed by hand still opens. */
const text = z.string().min(1).optional().catch(undefined);

export const issuesSearch = z.object({
  status: z.enum(['open', 'acknowledged', 'all']).optional().catch(undefined),
  tenant: text,
  endpoint_id: text,
});
export type IssuesSearch = z.output<typeof issuesSearch>;

export const auditSearch = z.object({
  tenant: text,
  actor: text,
  action: text,
  object: text,
  from: text,
  to: text,
});
export type AuditSearch = z.output<typeof auditSearch>;
