import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { JsonSchema } from '../../src/domain/json-schema.js';
import { compileSchema } from '../../src/domain/payload-validator.js';
import { schemaFaults } from '../../src/domain/schema-check.js';
import { changedInOnePlace, hasPlace, parsed } from '../support/json.js';
import { anyHostileInstance, anyInstance, anyJsonOfSchemas, anySchema } from '../support/schemas.js';

test('a payload is valid exactly where Ajv says so with its own engine and settings', () => {
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(anySchema, fc.array(anyInstance, { minLength: 5, maxLength: 5 }), (given, values) => {
      const schema = parsed(given) as JsonSchema;
      expect(schemaFaults(schema)).toEqual([]);
      const reference = new Ajv2020({ strict: false, ownProperties: true }).compile(schema);
      const validate = compileSchema(schema);
      for (const value of values.map(parsed)) {
        const wanted = reference(value);
        seen[`${wanted}`]++;
        expect(validate(value).length === 0).toBe(wanted);
      }
    }),
    { numRuns: 1_000 },
  );
  // The test would be empty if all payloads were valid, or none.
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(500);
});

test('any JSON in place of a schema is refused at places that it has, or checks any payload', () => {
  const seen = { refused: 0, compiled: 0 };
  const anyJson = fc.oneof(anyJsonOfSchemas, changedInOnePlace(anySchema, anyJsonOfSchemas));
  fc.assert(
    fc.property(anyJson, anyHostileInstance, (given, value) => {
      const faults = schemaFaults(given);
      seen[faults.length > 0 ? 'refused' : 'compiled']++;
      for (const { path } of faults) expect(hasPlace(given, path)).toBe(true);
      if (faults.length > 0) return;
      for (const { path } of compileSchema(given as JsonSchema)(parsed(value)))
        expect(path).toMatch(/^payload([.[]|$)/);
    }),
    { numRuns: 2_000 },
  );
  expect(Math.min(seen.refused, seen.compiled)).toBeGreaterThan(200);
});
