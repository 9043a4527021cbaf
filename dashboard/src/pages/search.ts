import { z } from 'zod';
import { searchText } from '../lib/search-text';

export const issuesSearch = z.object({
  status: z.enum(['open', 'acknowledged', 'all']).optional().catch(undefined),
  tenant: searchText,
  endpoint_id: searchText,
});
export type IssuesSearch = z.output<typeof issuesSearch>;

export const auditSearch = z.object({
  tenant: searchText,
  actor: searchText,
  action: searchText,
  object: searchText,
  from: searchText,
  to: searchText,
});
export type AuditSearch = z.output<typeof auditSearch>;

export const eventTypesSearch = z.object({
  /** Which besides those in use. A word `true` in an address would be read as a boolean. */
  archived: z.enum(['only', 'all']).optional().catch(undefined),
  /** In place of the list: the form of a new one, or an import. */
  view: z.enum(['new', 'import']).optional().catch(undefined),
});

export const tenantsSearch = z.object({
  /** In place of the list: the form of a new one. */
  view: z.enum(['new']).optional().catch(undefined),
});

export const apiKeysSearch = z.object({
  tenant: searchText,
  role: z.enum(['admin', 'operator', 'publisher', 'viewer']).optional().catch(undefined),
});
export type ApiKeysSearch = z.output<typeof apiKeysSearch>;
