import { z } from 'zod';
import { count, instant } from './common.js';

const quota = z.int().nullable().meta({ description: 'Null: the default of the configuration.' });

const fields = {
  id: z.string(),
  name: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  max_endpoints: quota,
  max_events_per_second: quota,
  endpoint_count: count.meta({ description: 'Registered endpoints.' }),
  created_at: instant,
  updated_at: instant,
};

export const listedTenant = z.object(fields).meta({ id: 'ListedTenant' });
export const tenantDetail = z
  .object({
    ...fields,
    open_delivery_count: count.meta({ description: 'Deliveries that have not ended, counted up to 10000.' }),
  })
  .meta({ id: 'Tenant' });
