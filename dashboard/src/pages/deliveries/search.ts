import { z } from 'zod';
import { CLASSIFICATIONS, DELIVERY_STATUSES } from '../../lib/words';

const text = z.string().min(1).optional().catch(undefined);

/** The filters of the list of deliveries, as in `GET /v1/deliveries`. */
export const deliveriesSearch = z.object({
  status: z.enum(DELIVERY_STATUSES).optional().catch(undefined),
  classification: z.enum(CLASSIFICATIONS).optional().catch(undefined),
  tenant: text,
  endpoint_id: text,
  event_id: text,
  event_type: text,
  batch_id: text,
  from: text,
  to: text,
});
export type DeliveriesSearch = z.output<typeof deliveriesSearch>;
