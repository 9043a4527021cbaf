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

export const eventTypesSearch = z.object({
  /** Which besides those in use. A word `true` in an address would be read as a boolean. */
  archived: z.enum(['only', 'all']).optional().catch(undefined),
  /** In place of the list: the form of a new one, or an import. */
  view: z.enum(['new', 'import']).optional().catch(undefined),
});
export type EventTypesSearch = z.output<typeof eventTypesSearch>;

export const tenantsSearch = z.object({
  /** In place of the list: the form of a new one. */
  view: z.enum(['new']).optional().catch(undefined),
});

export const apiKeysSearch = z.object({
  tenant: text,
  role: z.enum(['admin', 'operator', 'publisher', 'viewer']).optional().catch(undefined),
});
export type ApiKeysSearch = z.output<typeof apiKeysSearch>;
