import { z } from 'zod';
import { fieldErrors } from './common.js';

const endpointMatch = z
  .object({
    endpoint_id: z.string(),
    description: z.string().nullable(),
    reached: z.boolean(),
    held: z.boolean().meta({ description: 'Whether the delivery would wait for a pause to end.' }),
    pattern: z.string().nullable().meta({ description: 'The event type of the endpoint that matches.' }),
    filter: z.enum(['none', 'passes', 'fails', 'not_evaluated']),
    failed_condition: z.string().nullable().meta({ description: 'The part of the filter that fails.' }),
    reason: z.string().nullable(),
  })
  .meta({ id: 'EndpointMatch' });

export const matchedEndpoints = z.object({
  accepted: z.boolean().meta({ description: 'False: the event would be refused, for these errors.' }),
  errors: fieldErrors,
  data: z.array(endpointMatch),
  next_cursor: z.string().nullable(),
});
