import { z } from 'zod';

export const health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });

export const readiness = z
  .object({
    status: z.enum(['ok', 'degraded']),
    postgres: z.object({ ok: z.boolean() }),
    temporal: z.object({
      ok: z.boolean(),
      address: z.string(),
      namespace: z.string(),
      ui_url: z.string().nullable(),
      reason: z.string().nullable().meta({ description: 'Why it is not ok, or what it lacks.' }),
    }),
    workers: z.object({ ok: z.boolean() }),
    encryption: z.object({
      ok: z.boolean(),
      reason: z
        .string()
        .nullable()
        .meta({ description: 'Why the encryption keys of this process do not go with the database.' }),
    }),
  })
  .meta({ id: 'Readiness' });
