import { z } from 'zod';
import { searchText } from '../../lib/search-text';
import { deliveriesSearch } from '../deliveries/search';
import { BATCH_STATUSES } from './words';

const flag = z.literal(true).optional().catch(undefined);

export const batchesSearch = z.object({
  status: z.enum(BATCH_STATUSES).optional().catch(undefined),
  tenant: searchText,
});

/** The choice of a new replay: the filters of the list of deliveries; `missing`: events that an endpoint never got. */
export const newReplaySearch = deliveriesSearch.extend({ missing: flag, include_delivered: flag });
export type NewReplaySearch = z.output<typeof newReplaySearch>;

export const batchSearch = z.object({
  items: z.enum(['PLANNED', 'SKIPPED', 'CREATED']).optional().catch(undefined),
});
