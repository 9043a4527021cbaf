import { z } from 'zod';
import { ROLES } from '../../domain/role.js';
import { instant } from './common.js';

const fields = {
  id: z.string(),
  name: z.string(),
  role: z.enum(ROLES),
  tenant: z
    .string()
    .nullable()
    .meta({ description: 'The only tenant that the key sees; null: all of them.' }),
  rate_per_second: z.int().nullable().meta({ description: 'Requests, in each process; null: no limit.' }),
  created_by: z.string(),
  created_at: instant,
  expires_at: instant.nullable(),
  last_used_at: instant.nullable().meta({ description: 'To the minute.' }),
  revoked_at: instant.nullable(),
};

export const apiKey = z.object(fields).meta({ id: 'ApiKey' });
export const newApiKey = z
  .object({ ...fields, key: z.string().meta({ description: 'The key itself. Nobody can see it again.' }) })
  .meta({ id: 'NewApiKey' });
export const repeatedApiKey = z.object({ ...fields, key: z.null() }).meta({ id: 'RepeatedApiKey' });
