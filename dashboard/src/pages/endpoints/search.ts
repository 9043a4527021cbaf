import { z } from 'zod';
import { searchText } from '../../lib/search-text';

/** The filters of the list of endpoints, as in `GET /v1/endpoints`. */
export const endpointsSearch = z.object({
  tenant: searchText,
  status: z.enum(['enabled', 'paused', 'disabled']).optional().catch(undefined),
  event_type: searchText,
});
export type EndpointsSearch = z.output<typeof endpointsSearch>;
