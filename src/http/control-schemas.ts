import { z } from 'zod';
import { reason, tenant } from './schemas.js';

const scope = z
  .discriminatedUnion('scope', [
    z.strictObject({ scope: z.literal('all'), reason: reason.optional() }),
    z.strictObject({ scope: z.literal('tenant'), tenant, reason: reason.optional() }),
  ])
  .transform((body) => ({
    scope: body.scope === 'all' ? ('all' as const) : (`tenant:${body.tenant}` as const),
    reason: body.reason ?? null,
  }));
export const pauseBody = scope.refine((body) => body.reason !== null, {
  path: ['reason'],
  error: 'Is required: it is what everybody reads who wonders why nothing is sent.',
});
export const resumeBody = scope;
