import { archivedAmong } from '../db/event-type-lists.js';
import type { EventTypeSettings } from '../db/event-types.js';
import type { Pool } from '../db/pool.js';
import { compileSchema } from '../domain/payload-validator.js';
import { Problem } from './problem.js';

/** An example that its own schema refuses would mislead everybody who reads it. */
export function requireValidExample({
  example,
  schema,
}: Pick<EventTypeSettings, 'example' | 'schema'>): void {
  if (example === null || schema === null) return;
  const errors = compileSchema(schema)(example, 'example');
  if (errors.length === 0) return;
  const detail = `The example is not as the schema says. ${errors[0]!.path}: ${errors[0]!.message}`;
  throw new Problem(400, 'validation_failed', detail, errors);
}

/** Refuses new subscriptions to archived event types; an endpoint keeps those that it has. */
export async function refuseArchived(pool: Pool, types: string[], before: string[] = []): Promise<void> {
  const added = types.filter((type) => !before.includes(type));
  const [archived] = added.length > 0 ? await archivedAmong(pool, added) : [];
  if (archived === undefined) return;
  const path = `event_types[${types.indexOf(archived)}]`;
  const message = 'This event type is archived: nothing new may subscribe to it.';
  throw new Problem(422, 'event_type_archived', `${path}: ${message}`, [{ path, message }]);
}
