import { z } from 'zod';
import { PORTAL_SCOPES } from '../domain/role.js';
import { page, reason, tenant, url } from './schemas.js';
import { text } from './text-schemas.js';

const MAX_SECONDS = 24 * 60 * 60;
const HOUR_SECONDS = 60 * 60;

const scopes = z
  .array(z.enum(PORTAL_SCOPES))
  .min(1)
  .max(PORTAL_SCOPES.length)
  .refine((all) => new Set(all).size === all.length, 'Must not have a scope twice.')
  .meta({
    uniqueItems: true,
    description:
      'read: events, deliveries, endpoints, batches and event types; endpoints: make and change endpoints, and see their secrets; replay: retry deliveries and run replay batches. None includes another.',
  });

export const portalSessionBody = z.strictObject({
  tenant,
  scopes: scopes.default(['read']),
  expires_in: z
    .int()
    .min(60, 'At least 60.')
    .max(MAX_SECONDS, `At most ${MAX_SECONDS} (a day).`)
    .default(HOUR_SECONDS)
    .meta({ description: 'Seconds from now to the end of the session.' }),
  return_url: url.nullable().default(null),
});

export const redeemBody = z.strictObject({
  code: text(64)
    .regex(/^shc_[\w-]{43}$/, 'Must be the part of the link behind its #.')
    .meta({ description: 'The part of the link behind its `#`.' }),
});

export const portalSessionsQuery = z.strictObject({
  ...page,
  tenant: tenant.optional(),
  active: z.literal('true').optional().meta({ description: 'Only sessions and links that can be used.' }),
});

export const revokeAllBody = z.strictObject({ tenant, reason: reason.optional() });
