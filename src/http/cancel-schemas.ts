import { z } from 'zod';
import { CLASSIFICATIONS, OPEN_STATUSES } from '../domain/delivery.js';
import { eventType, id, reason, tenant, time } from './schemas.js';

const open = z
  .enum(OPEN_STATUSES, `Must be states that can be cancelled: ${OPEN_STATUSES.join(', ')}.`)
  .meta({ id: 'OpenStatus' });

/** Body of a request that cancels many open deliveries. */
export const cancelManyBody = z.strictObject({
  filter: z
    .strictObject({
      status: z.union([open.transform((one) => [one]), z.array(open).min(1).max(3)]).optional(),
      tenant: tenant.optional(),
      endpoint_id: id('ep').optional(),
      event_id: id('evt').optional(),
      event_type: eventType.optional(),
      classification: z.enum(CLASSIFICATIONS).optional(),
      from: time.optional(),
      to: time.optional(),
    })
    .refine(
      (filter) => Object.keys(filter).length > 0,
      'Must name something: an empty filter is everything.',
    ),
  dry_run: z.boolean().default(false),
  reason: reason.optional(),
});
