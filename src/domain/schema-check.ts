import { Ajv2020 } from 'ajv/dist/2020.js';
import { cutText } from './cut-text.js';
import {
  isDeeperThan,
  isObject,
  leadsToSchema,
  MAX_SCHEMA_BYTES,
  resolvePointer,
  subschemasOf,
  unescapeToken,
  type JsonSchema,
} from './json-schema.js';
import { replaceUniqueItems } from './payload-keywords.js';
import { compileSchema } from './payload-validator.js';
import { countChecks, countInOnePart } from './schema-work.js';
import { isStorableJson, UNSTORABLE } from './storable.js';

export interface SchemaFault {
  /** Place inside the schema. */
  path: (string | number)[];
  message: string;
}

export const MAX_SCHEMA_LEVELS = 64;
/** Bounds the work for one value. */
export const MAX_CHECKS = 5_000;
/** Ajv makes code of them that is nested as deeply: above 1,500 its stack ends. */
export const MAX_IN_ONE_PART = 1_000;
/** More are not answered. */
const MAX_FAULTS = 21;
const MAX_MESSAGE = 300;
const DIALECT = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;
/** Ajv leaves `__proto__` out of these. */
const NAMES = ['properties', 'patternProperties', 'dependentSchemas', 'dependentRequired', 'dependencies'];
const DYNAMIC = ['$dynamicRef', '$dynamicAnchor', '$recursiveRef', '$recursiveAnchor'];

const metaSchema = new Ajv2020({ strict: false, logger: false, allErrors: true });
// Schemas are small: their work needs no bound.
replaceUniqueItems(metaSchema, { left: Infinity });

/** Why a schema is refused; empty: it can be compiled, reads nothing from elsewhere, and its work is bounded. */
export function schemaFaults(schema: unknown): SchemaFault[] {
  if (!isObject(schema)) return fault('Must be a JSON Schema, an object.');
  if (isDeeperThan(schema, MAX_SCHEMA_LEVELS)) return fault(`At most ${MAX_SCHEMA_LEVELS} levels.`);
  const json = JSON.stringify(schema);
  if (Buffer.byteLength(json) > MAX_SCHEMA_BYTES) return fault('At most 64 KiB of JSON.');
  if (!isStorableJson(json)) return fault(UNSTORABLE);
  const faults = keywordFaults(schema);
  if (faults.length === 0) faults.push(...metaFaults(schema));
  if (faults.length === 0) faults.push(...workFaults(schema));
  if (faults.length === 0) faults.push(...compileFaults(schema));
  return faults.slice(0, MAX_FAULTS);
}

const fault = (message: string, path: SchemaFault['path'] = []): SchemaFault[] => [{ path, message }];

/** Faults of all schemas inside, also of those that nothing refers to. */
function keywordFaults(root: JsonSchema, schema = root, at: SchemaFault['path'] = []): SchemaFault[] {
  const { $ref, $schema, $id } = schema;
  const faults = [
    ...(typeof $ref === 'string' ? refFaults(root, $ref, [...at, '$ref']) : []),
    ...(schema !== root && $id !== undefined
      ? fault('Is possible only at the top of a schema.', [...at, '$id'])
      : []),
    ...($schema !== undefined && !(typeof $schema === 'string' && DIALECT.test($schema))
      ? fault('Must be https://json-schema.org/draft/2020-12/schema, or absent.', [...at, '$schema'])
      : []),
    ...NAMES.filter(
      (keyword) => isObject(schema[keyword]) && Object.hasOwn(schema[keyword], '__proto__'),
    ).flatMap((keyword) => fault('Is not supported as a name here.', [...at, keyword, '__proto__'])),
    ...DYNAMIC.filter((name) => schema[name] !== undefined).flatMap((name) =>
      fault('Is not supported: write $ref.', [...at, name]),
    ),
  ];
  return [...faults, ...subschemasOf(schema, at).flatMap((sub) => keywordFaults(root, sub.schema, sub.path))];
}

function refFaults(root: JsonSchema, ref: string, path: SchemaFault['path']): SchemaFault[] {
  if (ref !== '#' && !ref.startsWith('#/'))
    return fault('Must be a place in this schema, such as #/$defs/order: nothing is fetched.', path);
  const target = leadsToSchema(ref) ? resolvePointer(root, ref) : undefined;
  return isObject(target) || typeof target === 'boolean' ? [] : fault('Leads to no schema.', path);
}

function metaFaults(schema: JsonSchema): SchemaFault[] {
  // Without the dialect, which is known to be right: Ajv throws for one that it cannot find.
  if (metaSchema.validateSchema({ ...schema, $schema: undefined } as JsonSchema) === true) return [];
  // The meta schema checks some keywords in several ways, which give the same error.
  const faults = new Map(
    (metaSchema.errors ?? []).map(({ instancePath, message = 'is not valid' }) => [
      `${instancePath} ${message}`,
      {
        path: instancePath.split('/').slice(1).map(unescapeToken),
        message: `Is not valid in JSON Schema: ${message}.`,
      },
    ]),
  );
  return [...faults.values()];
}

/** A schema that refers to itself takes time and stack without a bound that is known beforehand. */
function workFaults(root: JsonSchema): SchemaFault[] {
  const checks = countChecks(root);
  if (Number.isNaN(checks))
    return fault(
      'Refers to itself: a schema may be recursive nowhere. Leave the recursive part without one.',
    );
  if (checks > MAX_CHECKS)
    return fault(
      `At most ${MAX_CHECKS} schemas, required names and enum values, counted once for each $ref to them.`,
    );
  if (countInOnePart(root) > MAX_IN_ONE_PART)
    return fault(`At most ${MAX_IN_ONE_PART} schemas in one another; put some of them into $defs.`);
  return [];
}

function compileFaults(schema: JsonSchema): SchemaFault[] {
  try {
    compileSchema(schema);
    return [];
  } catch (error) {
    return fault(`Cannot be used: ${cutText((error as Error).message, MAX_MESSAGE)}.`);
  }
}
