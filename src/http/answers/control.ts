import { z } from 'zod';
import { instant } from './common.js';

export const controlState = z
  .object({
    paused: z.boolean().meta({ description: 'Whether everything is paused.' }),
    pauses: z.array(
      z.object({
        scope: z.enum(['all', 'tenant']),
        tenant: z.string().nullable(),
        reason: z.string(),
        paused_by: z.string(),
        paused_at: instant,
      }),
    ),
    file: z
      .string()
      .nullable()
      .meta({ description: 'The reason in the file PAUSE of the process that answers.' }),
  })
  .meta({ id: 'Control' });

export const auditEntry = z
  .object({
    id: z.string(),
    at: instant,
    actor: z.string(),
    request_id: z.string().nullable().meta({ description: 'The `x-request-id` of its request.' }),
    tenant: z.string().nullable().meta({ description: 'Null: about the whole installation.' }),
    action: z.string().meta({ description: 'Such as `endpoint.pause`.' }),
    object: z.string().meta({ description: 'An id, or a control scope.' }),
    reason: z.string().nullable(),
    before: z.unknown().meta({ description: 'Without secrets.' }),
    after: z.unknown(),
  })
  .meta({ id: 'AuditEntry' });
