import type { DataValidateFunction } from 'ajv/dist/types/index.js';
import { _, type Ajv2020 } from 'ajv/dist/2020.js';
import { canonicalJson } from './canonical-json.js';
import { spend, type Work } from './check-work.js';
import { isObject, mapSchema, type JsonSchema } from './json-schema.js';
import { isMultipleOf } from './multiple-of.js';
import { isSameJson } from './same-json.js';
import { stepsOf } from './schema-work.js';

const WORK = 'surehook:work';
/** Steps of an element of `uniqueItems`, and of each character of its JSON. */
const ELEMENT_STEPS = 10;
const CHARACTER_STEPS = 2;
const MULTIPLE_STEPS = 80;

/** A copy in which each schema counts the work that it causes for a value. */
export const withWork = (root: JsonSchema): JsonSchema =>
  mapSchema(root, (schema) => {
    const copy = { ...schema };
    // In JSON Schema these are notes, to which Ajv gives a meaning.
    for (const keyword of ['$async', 'id', 'nullable']) delete copy[keyword];
    if (isObject(schema.dependencies)) copy.dependencies = withoutLists(schema.dependencies);
    const steps = stepsOf(root, schema);
    return steps ? { ...copy, [WORK]: steps } : copy;
  });

/** Ajv writes the names of a list into its code, in time quadratic in their number; those of `required` it loops over. */
const withoutLists = (dependencies: JsonSchema) =>
  Object.fromEntries(
    Object.entries(dependencies).map(([name, one]) => [name, Array.isArray(one) ? { required: one } : one]),
  );

/** Keywords whose work depends on the value, drawn on `work`. Their checks throw a WorkError where it does not suffice. */
export function addKeywords(ajv: Ajv2020, work: Work): void {
  ajv.addKeyword({
    keyword: WORK,
    // Before all others, so that a schema is counted whether the value is valid or not.
    before: '$ref',
    valid: true,
    errors: false,
    compile: (steps: (value: unknown) => number) => (value: unknown) => {
      spend(work, steps(value));
      return true;
    },
  });
  // Ajv's own compare by `toString` and `valueOf`, which throws for a member of that name.
  ajv.removeKeyword('const').addKeyword({
    keyword: 'const',
    compile: (wanted: unknown) => (value: unknown) => isSameJson(wanted, value),
    error: {
      message: 'must be the constant',
      params: ({ schemaCode }) => _`{ allowedValue: ${schemaCode} }`,
    },
  });
  ajv.removeKeyword('enum').addKeyword({
    keyword: 'enum',
    compile: (allowed: unknown[]) => (value: unknown) => allowed.some((one) => isSameJson(one, value)),
    error: { message: 'must be allowed', params: ({ schemaCode }) => _`{ allowedValues: ${schemaCode} }` },
  });
  replaceUniqueItems(ajv, work);
  // Ajv's own writes all names into its code: 1,200 take 10 s, and 2,000 overflow the stack.
  ajv.removeKeyword('dependentRequired').addKeyword({
    keyword: 'dependentRequired',
    type: 'object',
    schemaType: 'object',
    errors: true,
    compile: requireDependent,
  });
  // Ajv's own divides doubles: 19.99 would be no multiple of 0.01.
  ajv.removeKeyword('multipleOf').addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    compile: (step: number) => (value: number) => {
      spend(work, MULTIPLE_STEPS);
      return isMultipleOf(value, step);
    },
    error: { message: ({ schema }) => `must be multiple of ${schema}` },
  });
}

function requireDependent(required: Record<string, string[]>): DataValidateFunction {
  const validate: DataValidateFunction = (value: object) => {
    const missing = Object.entries(required)
      .filter(([name]) => Object.hasOwn(value, name))
      .flatMap(([, names]) => names.filter((name) => !Object.hasOwn(value, name)));
    validate.errors = missing.map((missingProperty) => ({
      keyword: 'dependentRequired',
      params: { missingProperty },
    }));
    return missing.length === 0;
  };
  return validate;
}

/** Ajv's own compares each element with each other, and calls a member `toString` of one. */
export function replaceUniqueItems(ajv: Ajv2020, work: Work): void {
  ajv.removeKeyword('uniqueItems').addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    compile: (wanted: boolean) => (items: unknown[]) => !wanted || areUnique(items, work),
    error: { message: 'must not hold the same element twice' },
  });
}

function areUnique(items: unknown[], work: Work): boolean {
  const known = new Set<string>();
  for (const item of items) {
    const text = canonicalJson(item);
    spend(work, ELEMENT_STEPS + CHARACTER_STEPS * text.length);
    known.add(text);
  }
  return known.size === items.length;
}
