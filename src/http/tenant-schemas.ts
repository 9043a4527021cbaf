import { z } from 'zod';
import { MAX_NAME } from '../domain/event.js';
import { MAX_QUOTA } from '../domain/tenant.js';
import { metadata } from './metadata-schema.js';
import { page, tenant } from './schemas.js';
import { line } from './text-schemas.js';

const quota = (least: number, most: number) =>
  z.int().min(least, `At least ${least}.`).max(most, `At most ${most}.`).nullable();

const settings = z.strictObject({
  name: line(256, 1).nullable(),
  metadata,
  max_endpoints: quota(0, MAX_QUOTA.endpoints),
  max_events_per_second: quota(1, MAX_QUOTA.eventsPerSecond),
});

export const tenantBody = z.strictObject({
  id: tenant,
  name: settings.shape.name.default(null),
  metadata: metadata.default({}),
  max_endpoints: settings.shape.max_endpoints.default(null),
  max_events_per_second: settings.shape.max_events_per_second.default(null),
});
export const tenantPatch = settings.partial();

/** The cursor is the last id of the page before. */
export const tenantsQuery = z.strictObject({
  limit: page.limit,
  cursor: z
    .string()
    .max(2 * MAX_NAME)
    .transform((text, context) => {
      const id = tenant.safeParse(Buffer.from(text, 'base64url').toString());
      if (id.success) return id.data;
      context.addIssue({ code: 'custom', message: 'Is not a cursor of this list.' });
      return z.NEVER;
    })
    .optional(),
});
