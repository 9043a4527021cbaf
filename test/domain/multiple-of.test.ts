import { expect, test } from 'vitest';
import { compileSchema } from '../../src/domain/payload-validator.js';

test.each([
  [19.99, 0.01, true],
  [0.3, 0.1, true],
  [0.35, 0.05, true],
  [0.35, 0.1, false],
  [-4.5, 1.5, true],
  [1e300, 1e-300, true],
  [1e21, 3, false],
  [9007199254740994, 3, false],
  [0, 0.7, true],
  [1e-7, 1e-8, true],
  [123456789.01, 0.01, true],
  [123456789.015, 0.01, false],
])('%d is a multiple of %d: %s', (value, multipleOf, isValid) => {
  const message = `Must be multiple of ${multipleOf}.`;
  expect(compileSchema({ multipleOf })(value)).toEqual(isValid ? [] : [{ path: 'payload', message }]);
});
