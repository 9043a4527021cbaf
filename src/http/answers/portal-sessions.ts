import { z } from 'zod';
import { PORTAL_SCOPES } from '../../domain/role.js';
import { instant } from './common.js';

const fields = {
  id: z.string(),
  tenant: z.string(),
  scopes: z.array(z.enum(PORTAL_SCOPES)),
  return_url: z.string().nullable(),
  link_expires_at: instant.meta({ description: 'The link is redeemed before this, or never.' }),
  expires_at: instant.meta({ description: 'The end of the session.' }),
  created_by: z.string(),
  created_at: instant,
  redeemed_at: instant.nullable().meta({ description: 'Null: nobody has used the link.' }),
  revoked_at: instant.nullable(),
};

export const portalSession = z.object(fields).meta({ id: 'PortalSession' });
export const revokedSessions = z
  .object({ revoked: z.int().meta({ description: 'How many sessions and links this has ended.' }) })
  .meta({ id: 'RevokedPortalSessions' });
export const newPortalSession = z
  .object({
    ...fields,
    url: z.string().meta({ description: 'The link, which works once. Nobody can see it again.' }),
    code: z.string().meta({ description: 'The part of the link behind its `#`, for a page of your own.' }),
  })
  .meta({ id: 'NewPortalSession' });
export const repeatedPortalSession = z
  .object({ ...fields, url: z.null(), code: z.null() })
  .meta({ id: 'RepeatedPortalSession' });
export const redeemedPortalSession = z
  .object({
    ...fields,
    token: z.string().meta({ description: 'Sent as an API key is. Nobody can see it again.' }),
  })
  .meta({ id: 'RedeemedPortalSession' });
