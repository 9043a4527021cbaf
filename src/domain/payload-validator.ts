import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { MAX_PAYLOAD_WORK, WorkError, type Work } from './check-work.js';
import type { JsonSchema } from './json-schema.js';
import { createLinearPatterns } from './linear-patterns.js';
import { describeError, type PayloadFault } from './payload-faults.js';
import { addMeteredFormats } from './payload-formats.js';
import { addKeywords, withWork } from './payload-keywords.js';
import { countChecks } from './schema-work.js';

/** The faults of a value; empty: it is valid. `root`: the beginning of their paths. `spent` loses the work of the check. */
export type ValidatePayload = (value: unknown, root?: string, spent?: Work) => PayloadFault[];

const MAX_FAULTS = 20;
/** All faults of a value are looked for only up to so many checks of values: each fault takes memory. */
const MAX_ALL_CHECKS = 200_000;

/** Compiles a schema without faults. Throws where a pattern or a keyword cannot be used. */
export function compileSchema(schema: JsonSchema): ValidatePayload {
  const work: Work = { left: 0 };
  const findFirst = compile(schema, work, false);
  const checks = countChecks(schema);
  let findAll: FindErrors | undefined;
  return (value, root = 'payload', spent) => {
    work.left = MAX_PAYLOAD_WORK;
    let errors = findFirst(value);
    if (errors !== null && errors.length > 0 && !hasMoreValues(value, MAX_ALL_CHECKS / checks)) {
      findAll ??= compile(schema, work, true);
      errors = findAll(value) ?? errors;
    }
    if (spent) spent.left -= MAX_PAYLOAD_WORK - Math.max(work.left, 0);
    if (errors === null) return [{ path: root, message: TOO_MUCH_WORK }];
    return errors.slice(0, MAX_FAULTS).map((error) => describeError(error, value, root));
  };
}

const TOO_MUCH_WORK = `Takes the schema too much work: more than ${MAX_PAYLOAD_WORK} steps.`;

/** Null: the check takes too much work. */
type FindErrors = (value: unknown) => ErrorObject[] | null;

function compile(schema: JsonSchema, work: Work, allErrors: boolean): FindErrors {
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
    code: { regExp: createLinearPatterns(work), optimize: false, process: withoutPrototypes },
  });
  addMeteredFormats(ajv, work);
  addKeywords(ajv, work);
  // References stay inside the schema, whatever its id.
  const validate = ajv.compile({ ...withWork(schema), $id: undefined } as JsonSchema);
  return (value) => {
    try {
      return validate(value) ? [] : (validate.errors ?? []);
    } catch (error) {
      if (error instanceof WorkError) return null;
      throw error;
    }
  };
}

/** Code in which the objects of evaluated names are empty: `{}` has a `constructor`, which would count as evaluated. */
const withoutPrototypes = (code: string): string =>
  code.replace(TEXT_OR_EMPTY, (found: string, before?: string) =>
    before === undefined ? found : `${before}Object.create(null)`,
  );

const TEXT_OR_EMPTY = /"(?:[^"\\]|\\.)*"|(= |\|\| )\{\}/g;

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
