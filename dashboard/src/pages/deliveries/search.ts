import { z } from 'zod';
import { searchText } from '../../lib/search-text';
import { DELIVERY_STATUSES } from '../../../../src/domain/delivery';
import { CLASSIFICATIONS } from '../../lib/words';

/** The filters of the list of deliveries, as in `GET /v1/deliveries`. */
export const deliveriesSearch = z.object({
  status: z.enum(DELIVERY_STATUSES).optional().catch(undefined),
  classification: z.enum(CLASSIFICATIONS).optional().catch(undefined),
  tenant: searchText,
  endpoint_id: searchText,
  event_id: searchText,
  event_type: searchText,
  batch_id: searchText,
  from: searchText,
  to: searchText,
});
export type DeliveriesSearch = z.output<typeof deliveriesSearch>;
