import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deliverWorkflowId } from '../../src/delivery/workflow-id.js';

test('an ordinary key is readable in the id, a reused one counts on', () => {
  expect(deliverWorkflowId('acme', 'order:1/paid')).toBe('deliver:acme:order:1/paid');
  expect(deliverWorkflowId('acme', 'order:1/paid', 3)).toBe('deliver:acme:order:1/paid~3');
});

test('long and strange keys become digests: ids stay short, safe and distinct', () => {
  const key = fc.string({ minLength: 1, maxLength: 255, unit: 'grapheme' });
  fc.assert(
    fc.property(key, key, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (a, b, m, n) => {
      const [left, right] = [deliverWorkflowId('t', a, m), deliverWorkflowId('t', b, n)];
      expect(left).toMatch(/^[\x21-\x7e]{1,255}$/);
      expect(left === right).toBe(a === b && m === n);
    }),
  );
});
