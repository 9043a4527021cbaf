import { Router } from 'express';
import { listAudit } from '../../db/audit.js';
import type { AppDeps } from '../app-deps.js';
import { auditQuery, pageQuery } from '../schemas.js';

export function auditRoutes({ pool, authorize }: AppDeps): Router {
  const router = Router();
  router.get('/audit', authorize('viewer'), async (request, response) => {
    const { page, filter } = pageQuery(auditQuery.parse(request.query), 'aud');
    response.json(await listAudit(pool, filter, page));
  });
  return router;
}
