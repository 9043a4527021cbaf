import { z } from 'zod';
import { MASK, TIMEOUT_MS } from '../domain/endpoint.js';
import { readFilter, type Filter } from '../domain/filter.js';
import { headers } from './header-schemas.js';
import { contentType, eventType, id, ownTenant, page, subscription, tenant, url } from './schemas.js';
import { checkSecret, secretFields } from './secret-schemas.js';
import { line } from './text-schemas.js';
import { HEADER_MASK_PROBLEM, wireDefaults, wireSettings } from './wire-settings.js';

/** Values of headers are never shown: a client may send the mask back. */
const ownHeaders = headers.superRefine((value, context) => {
  for (const [name, content] of Object.entries(value))
    if (content === MASK) context.addIssue({ code: 'custom', path: [name], message: HEADER_MASK_PROBLEM });
});

/** Unknown to zod, whose records drop `__proto__`. */
const filter = z
  .unknown()
  .superRefine((value, context) => {
    for (const { path, message } of readFilter(value).faults)
      context.addIssue({ code: 'custom', path, message });
  })
  .meta({
    type: 'object',
    description: 'Condition on the payload: {"amount":{"$gt":10},"customer.plan":"pro"}.',
  }) as unknown as z.ZodType<Filter>;

const endpointSettings = z.strictObject({
  url,
  event_types: z.array(subscription).min(1).max(100),
  description: line(1024).nullable(),
  headers: ownHeaders,
  content_type: contentType.nullable(),
  timeout_ms: z
    .int()
    .min(TIMEOUT_MS.min, 'At least 1000 (1 s).')
    .max(TIMEOUT_MS.max, 'At most 30000 (30 s).'),
  retry_on: z.enum(['default', 'all']),
  filter: filter.nullable(),
  enabled: z.boolean(),
  ...wireSettings,
});

export const endpointBody = endpointSettings
  .extend({
    description: endpointSettings.shape.description.default(null),
    headers: ownHeaders.default({}),
    content_type: contentType.nullable().default(null),
    timeout_ms: endpointSettings.shape.timeout_ms.default(TIMEOUT_MS.default),
    retry_on: endpointSettings.shape.retry_on.default('default'),
    filter: filter.nullable().default(null),
    enabled: z.boolean().default(true),
    tenant: ownTenant,
    id: id('ep').optional(),
    ...wireDefaults,
    ...secretFields,
  })
  .superRefine(checkSecret);

const BY_ROTATION = 'Is changed by POST /v1/endpoints/:id/rotate-secret.';
export const endpointPatch = endpointSettings.partial().extend({
  secret: z.undefined(BY_ROTATION).optional(),
  signature: z.undefined(BY_ROTATION).optional(),
});

/** A sample that is sent to one endpoint; by default of a type that it subscribes to. */
export const testBody = z.strictObject({
  event_type: eventType.optional(),
  payload: z.unknown().optional(),
  preview: z.boolean().default(false),
});

export const endpointsQuery = z.strictObject({
  ...page,
  tenant: tenant.optional(),
  status: z.enum(['enabled', 'paused', 'disabled']).optional(),
  event_type: subscription.optional(),
});
