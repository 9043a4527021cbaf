import { z } from 'zod';
import { BODY_FORMS, MASK, SIGNATURES, STATUS_CLASSES } from '../../domain/endpoint.js';
import { instant } from './common.js';

const mask = z.literal(MASK).meta({ description: 'In place of a value that is not shown.' });
const signature = z.enum(SIGNATURES);
const publicKey = z.string().nullable().meta({ description: 'Of an ed25519 secret; null for HMAC.' });

const filter = z.record(z.string(), z.unknown());
export const endpointStatus = z.enum(['enabled', 'paused', 'disabled']);

const fields = {
  id: z.string(),
  tenant: z.string(),
  url: z.string(),
  event_types: z.array(z.string()),
  description: z.string().nullable(),
  signature,
  public_key: publicKey,
  headers: z.record(z.string(), mask),
  basic_auth: z.object({ username: z.string(), password: mask }).nullable(),
  client_certificate: z.object({ certificate: z.string(), private_key: mask }).nullable(),
  ca: z.string().nullable().meta({ description: 'PEM; null: the public authorities.' }),
  extra_signature: z
    .object({
      header: z.string(),
      prefix: z.string(),
      encoding: z.enum(['hex', 'base64']),
      secret: mask.nullable().meta({ description: 'Null: the newest secret of the endpoint.' }),
    })
    .nullable(),
  content_type: z.string().nullable(),
  body: z.enum(BODY_FORMS),
  timeout_ms: z.int(),
  retry_on: z.enum(['default', 'all']),
  filter: filter.nullable().meta({ description: 'Null: every payload.' }),
  retry_schedule: z.array(z.int()).nullable().meta({ description: 'Null: the default schedule.' }),
  permanent_statuses: z.array(z.union([z.int(), z.enum(STATUS_CLASSES)])),
  metadata: z.record(z.string(), z.string()),
  status: endpointStatus,
  status_reason: z
    .string()
    .nullable()
    .meta({ description: '`manual`, `gone` (410) or `failing`; null while enabled.' }),
  failing_since: instant.nullable().meta({ description: 'First failure since the last successful attempt.' }),
  created_at: instant,
  updated_at: instant,
};

export const endpoint = z.object(fields).meta({ id: 'Endpoint' });
export const endpointWithSecret = z
  .object({ ...fields, secret: z.string() })
  .meta({ id: 'EndpointWithSecret' });

const secret = { secret: z.string(), signature, public_key: publicKey };
export const endpointSecrets = z
  .object({
    ...secret,
    secrets: z
      .array(
        z.object({
          ...secret,
          created_at: instant,
          expires_at: instant.nullable().meta({ description: 'When it stops signing; null: the newest.' }),
        }),
      )
      .meta({ description: 'All that sign, newest first.' }),
  })
  .meta({ id: 'EndpointSecrets', description: 'The newest secret, and all that sign.' });
