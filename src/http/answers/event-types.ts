import { z } from 'zod';
import { fieldErrors, instant } from './common.js';

const listed = {
  name: z.string(),
  description: z.string().nullable(),
  archived: z.boolean(),
  created_at: instant,
  updated_at: instant,
};

export const listedEventType = z
  .object({ ...listed, has_schema: z.boolean() })
  .meta({ id: 'ListedEventType', description: 'An event type without its example and schema.' });

export const storedEventType = z
  .object({
    ...listed,
    example: z.unknown(),
    schema: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'JSON Schema 2020-12; null: every payload is valid.' }),
  })
  .meta({ id: 'EventType' });

const names = z.array(z.string());

export const importedEventTypes = z
  .object({
    dry_run: z.boolean(),
    created: names,
    updated: names,
    unchanged: names,
    refused: z.array(z.object({ name: z.string(), errors: fieldErrors })),
  })
  .meta({
    id: 'EventTypeImport',
    description: 'The result of the import for each webhook, or of its dry run.',
  });
