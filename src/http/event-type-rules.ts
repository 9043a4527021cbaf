import { archivedAmong } from '../db/event-type-lists.js';
import type { EventTypeSettings } from '../db/event-types.js';
import type { Pool } from '../db/pool.js';
import { MAX_REQUEST_WORK, type Work } from '../domain/check-work.js';
import { compileSchema } from '../domain/payload-validator.js';
import type { AppDeps } from './app-deps.js';
import { Problem, type FieldError } from './problem.js';

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

/** Why the schema of its event type, if there is one, refuses a payload. */
export async function schemaProblem(
  { payloadSchemas }: Pick<AppDeps, 'payloadSchemas'>,
  { type, payload }: { type: string; payload?: unknown },
  request?: Work,
): Promise<Problem | null> {
  const errors = await payloadSchemas.check(type, payload, request);
  if (errors === null)
    return new Problem(
      429,
      'schema_work_exceeded',
      `Not checked: the events before it took their schemas ${MAX_REQUEST_WORK} steps. Send it again, in a smaller batch.`,
    );
  if (errors.length === 0) return null;
  const [{ path, message }] = errors as [FieldError];
  const more = errors.length > 1 ? ' And more.' : '';
  return new Problem(422, 'schema_violation', `The schema of ${type}: ${path}: ${message}${more}`, errors);
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
