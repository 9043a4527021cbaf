import { z } from 'zod';
import { headerValues } from './common.js';
import { attempt } from './deliveries.js';
import { endpoint } from './endpoints.js';

const iso = z.iso.datetime();

export const endpointTest = z
  .object({
    sent: z.boolean(),
    diagnosis: z.string().meta({ description: 'How the test went, and what to do about it, in words.' }),
    endpoint_status: endpoint.shape.status,
    event_type: z.string(),
    request: z.object({
      method: z.literal('POST'),
      url: z.string(),
      headers: headerValues.meta({ description: 'Signatures as they were sent; credentials are masked.' }),
      body: z.string(),
    }),
    attempt: attempt.nullable().meta({ description: 'Null where nothing was sent.' }),
    tls: z
      .object({
        version: z.string().nullable(),
        certificate: z
          .object({
            subject: z.string(),
            issuer: z.string(),
            names: z.array(z.string()),
            valid_from: iso.nullable(),
            expires_at: iso.nullable(),
          })
          .nullable(),
      })
      .nullable()
      .meta({ description: 'Null where no TLS connection was made.' }),
  })
  .meta({ id: 'EndpointTest' });
