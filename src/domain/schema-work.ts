import { isObject, resolvePointer, subschemasOf, type JsonSchema } from './json-schema.js';

/**
 * Schemas, required names and enum values, counted once for each reference to them: as many checks as one value may need.
 * NaN: the schema is recursive.
 */
export function countChecks(root: JsonSchema): number {
  const known = new Map<unknown, number>();
  const count = (schema: unknown): number => {
    if (!isObject(schema)) return 1;
    const before = known.get(schema);
    if (before !== undefined) return before;
    // While it is being counted, only a schema inside it finds this: it is recursive.
    known.set(schema, NaN);
    let checks = 1 + lengthOf(schema.enum) + lengthOf(schema.required);
    if (isObject(schema.dependentRequired))
      for (const names of Object.values(schema.dependentRequired)) checks += lengthOf(names);
    for (const { keyword, schema: inner } of subschemasOf(schema))
      if (keyword !== '$defs' && keyword !== 'definitions') checks += count(inner);
    if (typeof schema.$ref === 'string') checks += count(resolvePointer(root, schema.$ref));
    known.set(schema, checks);
    return checks;
  };
  return count(root);
}

const lengthOf = (value: unknown) => (Array.isArray(value) ? value.length : 0);

/** The most schemas that are written out in one another, from the root or a schema that is referred to on. */
export function countInOnePart(root: JsonSchema): number {
  const parts = new Set<unknown>([root]);
  const collect = (schema: JsonSchema): void => {
    if (typeof schema.$ref === 'string') parts.add(resolvePointer(root, schema.$ref));
    for (const inner of subschemasOf(schema)) collect(inner.schema);
  };
  collect(root);
  const size = (schema: JsonSchema): number =>
    subschemasOf(schema)
      .filter(({ keyword }) => keyword !== '$defs' && keyword !== 'definitions')
      .reduce((sum, inner) => sum + size(inner.schema), 1);
  return Math.max(...[...parts].map((part) => (isObject(part) ? size(part) : 1)));
}
