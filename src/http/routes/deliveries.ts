import { Router, type Request } from 'express';
import { getDelivery, listDeliveries } from '../../db/deliveries.js';
import { notFound } from '../../errors.js';
import type { AppDeps } from '../app.js';
import { onlyIds } from '../only-ids.js';
import { deliveriesQuery, pageQuery } from '../schemas.js';

export function deliveryRoutes({ pool, authorize, workflowUrl }: AppDeps): Router {
  const router = Router();
  router.param('id', onlyIds('del', 'delivery'));
  const linked = <T extends { workflow_id: string }>(delivery: T) => ({
    ...delivery,
    workflow_url: workflowUrl(delivery.workflow_id),
  });

  router.get('/deliveries', authorize('viewer'), async (request, response) => {
    const { page, filter } = pageQuery(deliveriesQuery.parse(request.query), 'del');
    const { classification, ...rest } = filter;
    const list = await listDeliveries(pool, { ...rest, last_classification: classification }, page);
    response.json({ ...list, data: list.data.map(linked) });
  });

  router.get('/deliveries/:id', authorize('viewer'), async (request: Request<{ id: string }>, response) => {
    const delivery = await getDelivery(pool, request.params.id);
    if (!delivery) throw notFound('delivery', request.params.id);
    response.json(linked(delivery));
  });

  return router;
}
