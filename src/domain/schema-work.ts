import { isObject, resolvePointer, sizeOf, subschemasOf, type JsonSchema } from './json-schema.js';

/** Keywords that hold schemas, and those that hold names or values, each of which is a check. */
const SCHEMAS = [
  ...['allOf', 'anyOf', 'oneOf', 'prefixItems', 'properties', 'patternProperties'],
  ...['dependentSchemas', 'dependencies'],
];
const NAMES = ['enum', 'required', 'dependentRequired'];
const NAMES_OF_NAMES = ['dependentRequired', 'dependencies'];
const EACH_ELEMENT = ['items', 'contains', 'unevaluatedItems'];
const EACH_NAME = ['additionalProperties', 'unevaluatedProperties', 'propertyNames'];
const ONE = [...EACH_ELEMENT, ...EACH_NAME, 'not', 'if', 'then', 'else', 'contentSchema'];
const LISTS_NAMES = [...EACH_NAME, 'patternProperties', 'minProperties', 'maxProperties'];
const COUNTS_CHARACTERS = ['minLength', 'maxLength'];
/** Ajv collects the names that a branch has evaluated. */
const BRANCHES = ['anyOf', 'oneOf', 'if', 'dependentSchemas'];
/** Steps of a schema: V8 interprets the code of a large one, and does not compile it. */
const SCHEMA_STEPS = 6;
/** Steps of a name where all names of a large object are listed. */
const NAME_STEPS = 8;
/** Characters that are counted, and names that are compared with one another, in the time of one step. */
const PER_STEP = 8;

const lengthOf = (value: unknown) =>
  typeof value === 'object' && value !== null ? Object.keys(value).length : 0;

const countOf = (schema: JsonSchema, keywords: string[]) =>
  keywords.filter((keyword) => schema[keyword] !== undefined).length;

/** The schemas that are written out right in a schema, `true` and `false` included. */
const countWritten = (schema: JsonSchema) =>
  SCHEMAS.reduce((sum, keyword) => sum + lengthOf(schema[keyword]), countOf(schema, ONE));

/** The schemas right in a schema, also by reference. */
const countSchemas = (schema: JsonSchema) => countWritten(schema) + countOf(schema, ['$ref']);

/** The required names and enum values right in a schema. */
const countNames = (schema: JsonSchema) =>
  NAMES_OF_NAMES.map((keyword) => schema[keyword])
    .filter(isObject)
    .flatMap(Object.values)
    .filter(Array.isArray)
    .concat(NAMES.map((keyword) => schema[keyword]))
    .reduce<number>((sum, list) => sum + lengthOf(list), 0);

/**
 * Schemas, required names and enum values, counted once for each reference to them: as many checks as one value may need.
 * NaN: the schema is recursive.
 */
export function countChecks(root: JsonSchema, schema = root): number {
  const known = new Map<unknown, number>();
  const countInside = (part: unknown): number => {
    if (!isObject(part)) return 0;
    const before = known.get(part);
    if (before !== undefined) return before;
    // While it is being counted, only a schema inside it finds this: it is recursive.
    known.set(part, NaN);
    let checks = countSchemas(part) + countNames(part);
    for (const { keyword, schema: inner } of subschemasOf(part))
      if (keyword !== '$defs' && keyword !== 'definitions') checks += countInside(inner);
    if (typeof part.$ref === 'string') checks += countInside(resolvePointer(root, part.$ref));
    known.set(part, checks);
    return checks;
  };
  return 1 + countInside(schema);
}

/**
 * The steps that a schema takes for a value, without those of the schemas in it, of formats and of patterns. Null: none
 * beyond those that the schema around it counts.
 */
export function stepsOf(root: JsonSchema, schema: JsonSchema): ((value: unknown) => number) | null {
  const inside = countChecks(root, schema) / PER_STEP;
  const own = SCHEMA_STEPS * countSchemas(schema) + countNames(schema) + countOf(schema, BRANCHES) * inside;
  const perCharacter = countOf(schema, COUNTS_CHARACTERS) / PER_STEP;
  const perElement = SCHEMA_STEPS * countOf(schema, EACH_ELEMENT);
  const perName =
    NAME_STEPS * countOf(schema, LISTS_NAMES) + countOf(schema, ['unevaluatedProperties']) * inside;
  const compared = [schema.const]
    .concat(schema.enum)
    .filter((one) => typeof one === 'object' && one !== null).length;
  if (own + perCharacter + perName + compared === 0) return null;
  return (value) => {
    if (typeof value === 'string') return own + value.length * perCharacter;
    if (typeof value !== 'object' || value === null) return own;
    const steps = compared === 0 ? own : own + compared * sizeOf(value);
    if (Array.isArray(value)) return steps + value.length * perElement;
    return perName === 0 ? steps : steps + Object.keys(value).length * perName;
  };
}

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
      .reduce((sum, inner) => sum + size(inner.schema), countWritten(schema));
  return Math.max(...[...parts].map((part) => 1 + (isObject(part) ? size(part) : 0)));
}
