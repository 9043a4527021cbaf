import { z } from 'zod';
import { ISSUE_STATUSES } from '../domain/issue.js';
import { id, page, tenant } from './schemas.js';
import { line } from './text-schemas.js';

export const issuesQuery = z.strictObject({
  status: z.enum([...ISSUE_STATUSES, 'all']).default('open'),
  tenant: tenant.optional(),
  endpoint_id: id('ep').optional(),
  limit: page.limit,
  cursor: page.cursor,
});

export const noteBody = z.strictObject({ note: line(500, 1).optional() });
