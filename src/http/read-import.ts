import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { EventTypeImport } from '../db/event-types.js';
import { sizeOf } from '../domain/json-schema.js';
import { readWebhook, type RefusedWebhook, type Webhook } from '../domain/openapi-webhooks.js';
import { toProblem } from './error-handler.js';
import { requireValidExample } from './event-type-rules.js';
import { importedEventType } from './event-type-schemas.js';
import { badField } from './problem.js';

const ERRORS_PER_WEBHOOK = 5;
/** A component counts for each webhook that refers to it: 1,000 of them could share one of 64 KiB. */
const MAX_TYPES_MIB = 4;

/** Time of the checks of an import: a schema, or its example, may take a second. */
const MAX_CHECK_MS = 10_000;

/** The webhooks of an OpenAPI document as event types. A webhook that is not valid is refused, and the others are not. */
export async function readImport(
  document: Record<string, unknown> & { webhooks: Record<string, unknown> },
  maxCheckMs = MAX_CHECK_MS,
): Promise<{ types: EventTypeImport[]; refused: RefusedWebhook[] }> {
  const types: EventTypeImport[] = [];
  const { webhooks, refused } = await readWebhooks(document);
  let msLeft = maxCheckMs;
  for (const webhook of webhooks) {
    if (msLeft < 0) {
      refused.push({ name: webhook.name, errors: [{ path: 'schema', message: TOO_LATE }] });
      continue;
    }
    const began = performance.now();
    try {
      const type = importedEventType.parse(webhook);
      requireValidExample(type);
      types.push(type);
    } catch (error) {
      const { status, errors } = toProblem(error, ERRORS_PER_WEBHOOK);
      if (status >= 500) throw error;
      refused.push({ name: webhook.name, errors: errors.slice(0, ERRORS_PER_WEBHOOK) });
    }
    const ms = performance.now() - began;
    msLeft -= ms;
    // Leave half of the time to other requests.
    await sleep(ms);
  }
  return { types, refused };
}

const TOO_LATE = `Not checked: the schemas before it took ${MAX_CHECK_MS / 1_000} s. Import it with fewer others.`;

/** Throws a Problem before anything is checked or compiled, where all webhooks together are too large. */
async function readWebhooks(document: { webhooks: Record<string, unknown> }) {
  const webhooks: Webhook[] = [];
  const refused: RefusedWebhook[] = [];
  let bytes = 0;
  for (const [name, item] of Object.entries(document.webhooks)) {
    await nextTurn();
    const webhook = readWebhook(document, name, item);
    if ('errors' in webhook) {
      refused.push(webhook);
      continue;
    }
    webhooks.push(webhook);
    bytes += sizeOf(webhook.schema) + sizeOf(webhook.example);
    if (bytes > MAX_TYPES_MIB * 1024 * 1024)
      throw badField(
        'openapi.webhooks',
        `At most ${MAX_TYPES_MIB} MiB of schemas and examples together, each with its own copy of the components: import some webhooks at a time.`,
      );
  }
  return { webhooks, refused };
}
