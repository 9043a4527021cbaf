import { byteLength } from './byte-length.js';

/** A JSON Schema 2020-12 that is an object. */
export type JsonSchema = Record<string, unknown>;

export const MAX_SCHEMA_BYTES = 64 * 1024;

type Path = (string | number)[];

export interface Subschema {
  keyword: string;
  path: Path;
  schema: JsonSchema;
}

/** Keywords by what they hold: a schema, a list of schemas, or an object of schemas. */
const ONE = [
  ...['items', 'contains', 'unevaluatedItems', 'additionalProperties', 'unevaluatedProperties'],
  ...['propertyNames', 'not', 'if', 'then', 'else', 'contentSchema'],
];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAP = ['properties', 'patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions'];

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schemas right inside a schema. Values in `enum`, `const` or `default` are data, and no schemas. */
export function subschemasOf(schema: JsonSchema, at: Path = []): Subschema[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const path = [...at, keyword];
    const entries: [string | number, unknown][] = ONE.includes(keyword)
      ? [['', value]]
      : LIST.includes(keyword) && Array.isArray(value)
        ? value.map((one: unknown, i) => [i, one])
        : MAP.includes(keyword) && isObject(value)
          ? Object.entries(value)
          : [];
    return entries.flatMap(([key, one]) =>
      isObject(one)
        ? [{ keyword, path: key === '' && one === value ? path : [...path, key], schema: one }]
        : [],
    );
  });
}

/** A copy in which `change` has been applied to the schema and all schemas inside it. */
export function mapSchema(schema: JsonSchema, change: (schema: JsonSchema) => JsonSchema): JsonSchema {
  const inner = new Map(subschemasOf(schema).map((sub) => [sub.schema, mapSchema(sub.schema, change)]));
  const mapped = (value: unknown) => (isObject(value) ? (inner.get(value) ?? value) : value);
  return change(
    Object.fromEntries(
      Object.entries(schema).map(([keyword, value]) => [
        keyword,
        LIST.includes(keyword) && Array.isArray(value)
          ? value.map(mapped)
          : MAP.includes(keyword) && isObject(value)
            ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapped(one)]))
            : mapped(value),
      ]),
    ),
  );
}

/** The value that a reference such as `#/$defs/order` names in a document; undefined where there is none. */
export function resolvePointer(document: unknown, reference: string): unknown {
  let found = document;
  for (const token of reference.slice(1).split('/').slice(1)) {
    const key = unescapePointer(token);
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}

/** Whether a reference leads from schema to schema; otherwise it leads into data, such as `#/default`. */
export function leadsToSchema(reference: string): boolean {
  const keys = reference.slice(1).split('/').slice(1).map(unescapePointer);
  for (let i = 0; i < keys.length; i++) {
    const keyword = keys[i]!;
    if (LIST.includes(keyword) || MAP.includes(keyword)) i++;
    else if (!ONE.includes(keyword)) return false;
    if (i === keys.length) return false;
  }
  return true;
}

/** A token of a JSON pointer in a URI fragment (RFC 6901 section 6). */
export function unescapePointer(token: string): string {
  try {
    return unescapeToken(decodeURIComponent(token));
  } catch {
    return token;
  }
}

export const unescapeToken = (token: string) => token.replaceAll('~1', '/').replaceAll('~0', '~');

const sizes = new WeakMap<object, number>();

/** Bytes of JSON. An object is measured once: an import asks again for each webhook that refers to it. */
export function sizeOf(value: unknown): number {
  const isKept = typeof value === 'object' && value !== null;
  const before = isKept ? sizes.get(value) : undefined;
  if (before !== undefined) return before;
  const size = byteLength(JSON.stringify(value) ?? '');
  if (isKept) sizes.set(value, size);
  return size;
}

export const isDeeperThan = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((one) => isDeeperThan(one, levels - 1)));
