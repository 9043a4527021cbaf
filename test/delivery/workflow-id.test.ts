import { hash } from 'node:crypto';
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

test.each([
  ['acme-1_X', 'deliver:acme-1_X:k'],
  ['acme.com', 'deliver:acme.com:k'],
  ['org:1', 'deliver:org~3A1:k'],
  ['auth0|1', 'deliver:auth0~7C1:k'],
  ['~3A', 'deliver:~7E3A:k'],
  ['x'.repeat(64), `deliver:${'x'.repeat(64)}:k`],
])('the tenant %s is readable in the id', (tenant, id) => {
  expect(deliverWorkflowId(tenant, 'k')).toBe(id);
});

test('two different pairs of tenant and key never have the same id, and none is too long', () => {
  // Parts of ids, and texts that look like digests.
  const part = fc.constantFrom('a', 'b', ':', '~', '%', '3A', '.', '/', '|', '=', 'x'.repeat(70));
  const digest = fc.constantFrom('a', 'a:b').map((text) => `~${hash('sha256', text)}`);
  const name = fc.oneof(
    fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('').slice(0, 128)),
    digest,
    fc.string({
      unit: fc.integer({ min: 0x21, max: 0x7e }).map((n) => String.fromCharCode(n)),
      minLength: 1,
      maxLength: 128,
    }),
  );
  const key = fc.oneof(name, fc.string({ minLength: 1, maxLength: 255, unit: 'grapheme' }));
  fc.assert(
    fc.property(name, key, name, key, (tenant, one, other, two) => {
      const [left, right] = [deliverWorkflowId(tenant, one), deliverWorkflowId(other, two)];
      expect(left).toMatch(/^[\x21-\x7e]{1,210}$/);
      expect(left === right).toBe(tenant === other && one === two);
    }),
    { numRuns: 5_000, examples: [['a:b', 'c', 'a', 'b:c']] },
  );
});

test('every cut of one text into tenant and key has an id of its own', () => {
  const text = fc.array(fc.constantFrom('a', ':', '~', '3A', '|'), { minLength: 3, maxLength: 12 });
  fc.assert(
    fc.property(text, (parts) => {
      const whole = parts.join('');
      const ids = [...whole]
        .slice(1)
        .map((_, i) => deliverWorkflowId(whole.slice(0, i + 1), whole.slice(i + 1)));
      // Also with the separator between them.
      for (let i = 1; i < whole.length - 1; i++) {
        if (whole[i] === ':') ids.push(deliverWorkflowId(whole.slice(0, i), whole.slice(i + 1)));
      }
      expect(new Set(ids).size).toBe(ids.length);
    }),
  );
});
