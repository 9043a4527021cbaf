import { z } from 'zod';

const text = z.string().min(1).optional().catch(undefined);

/** The filters of the list of endpoints, as in `GET /v1/endpoints`. */
export const endpointsSearch = z.object({
  tenant: text,
  status: z.enum(['enabled', 'paused', 'disabled']).optional().catch(undefined),
  event_type: text,
});
export type EndpointsSearch = z.output<typeof endpointsSearch>;
