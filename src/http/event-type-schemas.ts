import { z } from 'zod';
import { decodeNameCursor } from '../db/event-type-lists.js';
import { MAX_EXAMPLE_BYTES } from '../domain/event.js';
import { isDeeperThan, type JsonSchema } from '../domain/json-schema.js';
import { schemaFaults } from '../domain/schema-check.js';
import { isStorable, isStorableJson, UNSTORABLE } from '../domain/storable.js';
import { eventType, ownTenant, page } from './schemas.js';

const MAX_LEVELS = 100;
/** Deeper documents are no OpenAPI. */
const MAX_DOCUMENT_LEVELS = 200;
const MAX_WEBHOOKS = 1_000;
const MAX_DESCRIPTION = 4_096;

const description = z
  .string()
  .max(MAX_DESCRIPTION, `At most ${MAX_DESCRIPTION} characters.`)
  .refine(isStorable, UNSTORABLE);

const example = z.unknown().superRefine((value, context) => {
  const message = exampleProblem(value);
  if (message) context.addIssue({ code: 'custom', message });
});

function exampleProblem(value: unknown): string | null {
  if (isDeeperThan(value, MAX_LEVELS)) return `At most ${MAX_LEVELS} levels.`;
  const json = JSON.stringify(value) ?? '';
  if (Buffer.byteLength(json) > MAX_EXAMPLE_BYTES) return 'At most 64 KiB of JSON.';
  return isStorableJson(json) ? null : UNSTORABLE;
}

/** Unknown to zod, whose records drop `__proto__`. */
const schema = z
  .unknown()
  .superRefine((value, context) => {
    for (const { path, message } of schemaFaults(value)) context.addIssue({ code: 'custom', path, message });
  })
  .meta({
    type: 'object',
    description: 'JSON Schema 2020-12. References stay inside it.',
  }) as unknown as z.ZodType<JsonSchema>;

const settings = z.strictObject({
  description: description.nullable(),
  example,
  schema: schema.nullable(),
  archived: z.boolean(),
});

export const eventTypeBody = settings.extend({
  name: eventType,
  description: description.nullable().default(null),
  example: example.default(null),
  schema: schema.nullable().default(null),
  archived: z.boolean().default(false),
});
export const eventTypePatch = settings.partial();
/** An event type that is read from a webhook. */
export const importedEventType = eventTypeBody.omit({ archived: true });

export const eventTypesQuery = z.strictObject({
  limit: page.limit,
  cursor: z
    .string()
    .max(256)
    .transform((text, context) => {
      const name = decodeNameCursor(text);
      if (name === null) context.addIssue({ code: 'custom', message: 'Is not a cursor of this list.' });
      return name ?? z.NEVER;
    })
    .optional(),
  /** By default, those that are not archived. */
  archived: z.enum(['true', 'false', 'all']).default('false'),
});

export const importBody = z.strictObject({
  openapi: z
    .looseObject({
      openapi: z
        .string()
        .regex(/^3\.[1-9]\d*(\.|$)/, 'Must be 3.1 or later: earlier versions have no webhooks.'),
      jsonSchemaDialect: z
        .string()
        .regex(/oas\/3\.\d\/dialect|draft\/2020-12\/schema/, 'Must be JSON Schema 2020-12.')
        .optional(),
      webhooks: z
        .unknown()
        .refine(
          (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
          'Must be an object of webhooks.',
        )
        .transform((value) => value as Record<string, unknown>)
        .refine((value) => Object.keys(value).length <= MAX_WEBHOOKS, `At most ${MAX_WEBHOOKS} webhooks.`),
    })
    .refine((value) => !isDeeperThan(value, MAX_DOCUMENT_LEVELS), `At most ${MAX_DOCUMENT_LEVELS} levels.`),
  dry_run: z.boolean().default(false),
});

export const matchBody = z.strictObject({
  type: eventType,
  payload: z.unknown().refine((value) => value !== undefined, 'Is required: any JSON value.'),
  tenant: ownTenant,
});
export const matchQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: page.cursor,
});
