import { _, Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { canonicalJson } from './canonical-json.js';
import type { JsonSchema } from './json-schema.js';
import {
  createLinearPatterns,
  MAX_PATTERN_WORK,
  PatternWorkError,
  type LinearPatterns,
} from './linear-patterns.js';
import { describeError, type PayloadFault } from './payload-faults.js';
import { isSameJson } from './same-json.js';
import { countChecks } from './schema-work.js';

/** The faults of a value; empty: it is valid. `root`: what their paths begin with. */
export type ValidatePayload = (value: unknown, root?: string) => PayloadFault[];

const MAX_FAULTS = 20;
/** All faults of a value are looked for only up to so many checks of values: each fault takes memory. */
const MAX_ALL_CHECKS = 200_000;

/** Of JSON Schema and OpenAPI. Not `url` of ajv-formats, whose time is quadratic. Others are notes, which check nothing. */
const FORMATS = [
  ...(['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid'] as const),
  ...(['uri', 'uri-reference', 'uri-template', 'json-pointer', 'relative-json-pointer', 'regex'] as const),
  ...(['byte', 'binary', 'password', 'int32', 'int64', 'float', 'double'] as const),
];

/** Compiles a schema without faults. Throws where a pattern or a keyword cannot be used. */
export function compileSchema(schema: JsonSchema): ValidatePayload {
  const patterns = createLinearPatterns();
  const findFirst = compile(schema, patterns, false);
  const checks = countChecks(schema);
  let findAll: FindErrors | undefined;
  return (value, root = 'payload') => {
    patterns.begin();
    let errors = findFirst(value);
    if (errors === null) return [{ path: root, message: TOO_MUCH_TEXT }];
    if (errors.length > 0 && !hasMoreValues(value, MAX_ALL_CHECKS / checks)) {
      findAll ??= compile(schema, patterns, true);
      errors = findAll(value) ?? errors;
    }
    return errors.slice(0, MAX_FAULTS).map((error) => describeError(error, value, root));
  };
}

const TOO_MUCH_TEXT = `Is too long for the patterns of the schema: characters times steps of their patterns, at most ${MAX_PATTERN_WORK}.`;

/** Null: the patterns of the schema would take too long. */
type FindErrors = (value: unknown) => ErrorObject[] | null;

function compile(schema: JsonSchema, patterns: LinearPatterns, allErrors: boolean): FindErrors {
  // One for each schema: an instance keeps all that it has compiled.
  const ajv = new Ajv2020({
    allErrors,
    meta: false,
    validateSchema: false,
    strict: false,
    logger: false,
    // Names such as `constructor` are no fields that every object has.
    ownProperties: true,
    // Otherwise the code of a schema is repeated at each reference.
    inlineRefs: false,
    // Optimized code is as fast, and takes ten times as long to make.
    code: { regExp: patterns.regExp, optimize: false },
  });
  addFormats.default(ajv, { formats: FORMATS });
  replaceComparisons(ajv);
  // References stay inside the schema, whatever its id; and `$async` of Ajv would make it answer with a promise.
  const validate = ajv.compile({ ...schema, $id: undefined, $async: false } as JsonSchema);
  return (value) => {
    try {
      return validate(value) ? [] : (validate.errors ?? []);
    } catch (error) {
      if (error instanceof PatternWorkError) return null;
      throw error;
    }
  };
}

/** Ajv compares by `toString` and `valueOf`, which throws for a member of that name, and each element with each other. */
function replaceComparisons(ajv: Ajv2020): void {
  for (const keyword of ['const', 'enum', 'uniqueItems']) ajv.removeKeyword(keyword);
  ajv.addKeyword({
    keyword: 'const',
    compile: (wanted: unknown) => (value: unknown) => isSameJson(wanted, value),
    error: {
      message: 'must be the constant',
      params: ({ schemaCode }) => _`{ allowedValue: ${schemaCode} }`,
    },
  });
  ajv.addKeyword({
    keyword: 'enum',
    compile: (allowed: unknown[]) => (value: unknown) => allowed.some((one) => isSameJson(one, value)),
    error: { message: 'must be allowed', params: ({ schemaCode }) => _`{ allowedValues: ${schemaCode} }` },
  });
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    compile: (wanted: boolean) => (items: unknown[]) =>
      !wanted || new Set(items.map(canonicalJson)).size === items.length,
    error: { message: 'must not hold the same element twice' },
  });
}

function hasMoreValues(value: unknown, most: number): boolean {
  let count = 0;
  const waiting = [value];
  while (waiting.length > 0) {
    const one = waiting.pop();
    if (++count > most) return true;
    if (typeof one === 'object' && one !== null) {
      for (const inner of Object.values(one)) {
        if (waiting.length > most) return true;
        waiting.push(inner);
      }
    }
  }
  return false;
}
