import { cutText } from './cut-text.js';
import { EVENT_TYPE, MAX_EXAMPLE_BYTES, MAX_NAME } from './event.js';
import {
  isObject,
  mapSchema,
  MAX_SCHEMA_BYTES,
  resolvePointer,
  sizeOf,
  subschemasOf,
  unescapePointer,
  type JsonSchema,
} from './json-schema.js';

/** An event type as a webhook of an OpenAPI document describes it. */
export interface Webhook {
  name: string;
  description: string | null;
  example: unknown;
  schema: JsonSchema | null;
}

export interface RefusedWebhook {
  name: string;
  errors: { path: string; message: string }[];
}

const MAX_REFERENCES = 10;
/** References become shorter: a schema within the limit may have been larger before. */
const MAX_UNBUNDLED_BYTES = 2 * MAX_SCHEMA_BYTES;
const COMPONENT = '#/components/schemas/';
const JSON_TYPE = /^[^/;\s]+\/(?:[^;\s]+\+)?json\s*(?:;|$)/i;

/** A webhook of an OpenAPI 3.1 document, or why it cannot be read. */
export function readWebhook(document: unknown, name: string, item: unknown): Webhook | RefusedWebhook {
  try {
    return webhookOf(document, name, item);
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error;
    return { name, errors: [{ path: error.path, message: error.message }] };
  }
}

class UnreadableError extends Error {
  constructor(
    readonly path: string,
    message: string,
  ) {
    super(message);
  }
}

function webhookOf(document: unknown, name: string, given: unknown): Webhook {
  if (name.length > MAX_NAME || !EVENT_TYPE.test(name))
    throw new UnreadableError(
      'name',
      'Is not an event type: segments parted by . or / or :, without * or blanks.',
    );
  const item = follow(document, given, 'webhook');
  const operation = item.post;
  if (!isObject(operation)) throw new UnreadableError('post', 'Is required: a webhook is sent by POST.');
  const body =
    operation.requestBody === undefined ? {} : follow(document, operation.requestBody, 'requestBody');
  const media = mediaOf(body);
  const schema = isObject(media.schema) ? bundle(document, media.schema) : null;
  const description = [operation.description, operation.summary, item.description].find(
    (text) => typeof text === 'string' && text !== '',
  );
  const example = exampleOf(document, media);
  if (sizeOf(example) > MAX_EXAMPLE_BYTES) throw new UnreadableError('example', 'At most 64 KiB of JSON.');
  return { name, description: (description as string) ?? null, example, schema };
}

/** Null for a body that is not JSON: its payload is a string. */
function mediaOf(body: Record<string, unknown>): Record<string, unknown> {
  const types = isObject(body.content) ? Object.entries(body.content) : [];
  const media = types.find(([type]) => JSON_TYPE.test(type))?.[1];
  return isObject(media) ? media : {};
}

function exampleOf(document: unknown, media: Record<string, unknown>): unknown {
  if (media.example !== undefined) return media.example;
  const [first] = isObject(media.examples) ? Object.values(media.examples) : [];
  if (first !== undefined) return follow(document, first, 'examples').value ?? null;
  const schema = isObject(media.schema) ? follow(document, media.schema, 'schema') : {};
  return schema.example ?? (Array.isArray(schema.examples) ? (schema.examples[0] as unknown) : null) ?? null;
}

/** The object itself, behind as many references as there are. */
function follow(document: unknown, given: unknown, path: string): Record<string, unknown> {
  let found = given;
  for (let i = 0; i < MAX_REFERENCES; i++) {
    if (!isObject(found)) throw new UnreadableError(path, 'Must be an object.');
    if (typeof found.$ref !== 'string') return found;
    if (!found.$ref.startsWith('#/'))
      throw new UnreadableError(
        path,
        `The reference ${cutText(found.$ref)} leads elsewhere: nothing is fetched.`,
      );
    found = resolvePointer(document, found.$ref);
  }
  throw new UnreadableError(path, `At most ${MAX_REFERENCES} references in a row.`);
}

/** The schema with the components that it refers to, directly or through others, as its own `$defs`. */
function bundle(document: unknown, schema: JsonSchema): JsonSchema {
  const components = componentsOf(document, schema);
  const whole = mapSchema(schema, localize);
  if (components.size === 0) return whole;
  const $defs = Object.fromEntries(
    [...components].map(([token, one]) => [unescapePointer(token), mapSchema(one, localize)]),
  );
  return { ...whole, $defs: { ...(isObject(whole.$defs) ? whole.$defs : {}), ...$defs } };
}

/** The components that a schema needs, by their tokens. Reads no more of them than a schema may hold. */
function componentsOf(document: unknown, schema: JsonSchema): Map<string, JsonSchema> {
  const components = new Map<string, JsonSchema>();
  const waiting = [schema];
  let bytes = 0;
  for (const part of waiting) {
    bytes += sizeOf(part);
    if (bytes > MAX_UNBUNDLED_BYTES)
      throw new UnreadableError('schema', 'At most 64 KiB of JSON, with the components that it refers to.');
    for (const token of namesIn(part)) {
      if (components.has(token)) continue;
      const component = resolvePointer(document, COMPONENT + token);
      if (!isObject(component))
        throw new UnreadableError('schema', `There is no ${COMPONENT}${cutText(token)}.`);
      components.set(token, component);
      waiting.push(component);
    }
  }
  return components;
}

function localize(schema: JsonSchema): JsonSchema {
  const { $ref } = schema;
  const local = typeof $ref === 'string' ? { $ref: `#/$defs/${$ref.slice(COMPONENT.length)}` } : {};
  const copy: JsonSchema = { ...schema, ...local };
  // The mapping of a discriminator refers to components.
  delete copy.discriminator;
  return copy;
}

/** The components that a schema refers to, as tokens of a JSON pointer. */
function namesIn(schema: JsonSchema): string[] {
  const { $ref } = schema;
  const inner = subschemasOf(schema).flatMap((sub) => namesIn(sub.schema));
  if (typeof $ref !== 'string') return inner;
  if (!$ref.startsWith(COMPONENT))
    throw new UnreadableError('schema', `The reference ${cutText($ref)} leads elsewhere than ${COMPONENT}…`);
  return [$ref.slice(COMPONENT.length).split('/')[0]!, ...inner];
}
