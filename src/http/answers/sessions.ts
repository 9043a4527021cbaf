import { z } from 'zod';
import { ROLES } from '../../domain/role.js';
import { instant } from './common.js';

export const session = z
  .object({
    name: z.string().meta({ description: 'The name of the API key; `admin`: the key of the configuration.' }),
    role: z.enum(ROLES),
    tenant: z.string().nullable().meta({ description: 'The only tenant that it sees; null: all of them.' }),
    expires_at: instant.nullable().meta({
      description: 'The end of the session, or of its key. Null: the request has a key without one.',
    }),
    version: z.string().meta({ description: 'The version of Surehook.' }),
  })
  .meta({ id: 'Session' });
