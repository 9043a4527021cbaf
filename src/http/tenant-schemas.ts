import { z } from 'zod';
import { MAX_NAME } from '../domain/event.js';
import { MAX_QUOTA } from '../domain/tenant.js';
import { page, tenant } from './schemas.js';
import { line } from './text-schemas.js';

const MAX_METADATA = 50;

/** `z.record` would drop `__proto__`, and reads every member before it counts them. */
const metadata = z
  .unknown()
  .superRefine((value, context) => {
    if (typeof value !== 'object' || value === null) return;
    const names = Object.keys(value);
    if (names.length > MAX_METADATA)
      context.addIssue({ code: 'custom', message: `At most ${MAX_METADATA} members.` });
    else if (names.includes('__proto__'))
      context.addIssue({ code: 'custom', path: ['__proto__'], message: 'Cannot be kept under this name.' });
  })
  .pipe(z.record(line(40, 1), line(500)))
  .meta({
    override: {
      ...{ type: 'object', maxProperties: MAX_METADATA },
      additionalProperties: { type: 'string', maxLength: 500 },
    },
    description: 'Names of 1 to 40 characters.',
  });

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
