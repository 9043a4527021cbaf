import { setImmediate as nextTurn } from 'node:timers/promises';
import type { EventTypeImport } from '../db/event-types.js';
import { readWebhook, type RefusedWebhook } from '../domain/openapi-webhooks.js';
import { toProblem } from './error-handler.js';
import { requireValidExample } from './event-type-rules.js';
import { importedEventType } from './event-type-schemas.js';

const ERRORS_PER_WEBHOOK = 5;

/** The webhooks of an OpenAPI document as event types. One that is not valid is refused, and the others are not. */
export async function readImport(
  document: Record<string, unknown> & { webhooks: Record<string, unknown> },
): Promise<{ types: EventTypeImport[]; refused: RefusedWebhook[] }> {
  const types: EventTypeImport[] = [];
  const refused: RefusedWebhook[] = [];
  for (const [name, item] of Object.entries(document.webhooks)) {
    const webhook = readWebhook(document, name, item);
    if ('errors' in webhook) {
      refused.push(webhook);
      continue;
    }
    try {
      const type = importedEventType.parse(webhook);
      requireValidExample(type);
      types.push(type);
    } catch (error) {
      const { status, errors } = toProblem(error, ERRORS_PER_WEBHOOK);
      if (status >= 500) throw error;
      refused.push({ name, errors: errors.slice(0, ERRORS_PER_WEBHOOK) });
    }
    // Compiling a schema takes milliseconds: others must not wait for all of them.
    await nextTurn();
  }
  return { types, refused };
}
