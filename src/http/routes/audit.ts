import { listAudit } from '../../db/audit.js';
import { answer } from '../answer.js';
import { pageOf } from '../answers/common.js';
import { auditEntry } from '../answers/control.js';
import { route } from '../route.js';
import { auditQuery, pageQuery } from '../schemas.js';

const list = route('GET /v1/audit', {
  operationId: 'listAudit',
  tag: 'Audit',
  role: 'viewer',
  summary: 'List who changed what, and why',
  query: auditQuery,
  responses: { 200: { description: 'Newest first.', schema: pageOf(auditEntry) } },
  async handle({ query }, { pool }) {
    const { page, filter } = pageQuery(query, 'aud');
    return answer(200, await listAudit(pool, filter, page));
  },
});

export const auditRoutes = [list];
