import { z } from 'zod';
import { ROLES } from '../domain/role.js';
import { page, tenant, time, word } from './schemas.js';

/** Actors in the audit that are no API keys. */
const RESERVED = /^(admin|surehook|temporal|portal:.*)$/i;

const role = z.enum(ROLES);

export const apiKeyBody = z.strictObject({
  name: word
    .max(64)
    .refine((name) => !RESERVED.test(name), 'Is reserved.')
    .meta({ description: 'For the audit: letters, digits, _, -, . or :. One key at a time has it.' }),
  role,
  tenant: tenant
    .nullable()
    .default(null)
    .meta({ description: 'The only tenant that the key sees; null: all of them.' }),
  expires_at: time
    .refine((date) => date.getTime() > Date.now(), 'Must be in the future.')
    .nullable()
    .default(null),
  rate_per_second: z
    .int()
    .min(1)
    .max(10_000)
    .nullable()
    .default(null)
    .meta({ description: 'Requests, in each process; null: no limit.' }),
});

export const apiKeysQuery = z.strictObject({ ...page, tenant: tenant.optional(), role: role.optional() });
