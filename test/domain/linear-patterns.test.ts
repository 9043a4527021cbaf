import { expect, it, describe } from 'vitest';
import { compilePattern } from '../../src/domain/linear-patterns.js';

describe('a pattern', () => {
  it('keeps a bounded part of the states that a text leads to', () => {
    const expression = compilePattern('[ab]*a[ab]{15}[c-e]');
    // Each sequence of 16 letters is a state of its own.
    const text = Array.from({ length: 65_536 }, (_, i) =>
      i.toString(2).replaceAll('0', 'a').replaceAll('1', 'b'),
    );
    expect(expression.test(text.join('').slice(0, 100_000))).toBe(false);
    const { stateCount, memBudget, stateBudget } = expression.re2().dfa;
    expect(stateBudget - memBudget).toBeLessThanOrEqual(64 * 1_024);
    expect(stateCount).toBeLessThan(400);
  });

  it.each([
    ['of a long group', `(?:${'x'.repeat(985)}.){1000}`],
    ['of a group in a group', `(?:(?:${'x'.repeat(80)}){30}){30}`],
    ['of classes', '[a-z]{1000}'.repeat(21)],
    ['of an open number', `(?:${'\\d'.repeat(100)}){500,}`],
    ['in a group that is not closed', `(${'x{1000}'.repeat(21)}`],
    ['of characters by number', '\\x{61}{1000}'.repeat(21)],
  ])('is refused before it is compiled where it repeats too much, %s', (_name, pattern) => {
    expect(() => compilePattern(pattern)).toThrow('all patterns together have at most 20000 steps');
  });

  it.each([
    ['(?:[a-z]{1,64}\\.){1,8}[a-z]{2,63}', 'mail.example.com'],
    ['^\\x{61}\\u0062[c{1000}]$', 'abc'],
    ['^\\{1000}$', '{1000}'],
    [`^(?:${Array.from({ length: 180 }, (_, i) => `A${i}`).join('|')})$`, 'A179'],
  ])('%s is allowed', (pattern, text) => {
    expect(compilePattern(pattern).test(text)).toBe(true);
  });

  it('with many optional parts is not made a one-pass program, which takes time with their square', () => {
    const optional = Array.from({ length: 400 }, (_, i) => `${String.fromCharCode(200 + 2 * i)}?`).join('');
    const expression = compilePattern(`^${optional}z$`);
    expect(expression.re2().onepass).toBeNull();
    expect(expression.test('Èz')).toBe(true);
  });

  it('with \\Q is refused, which would hide its size', () => {
    expect(() => compilePattern('\\Q[\\E(?:x{1000}){1000}]')).toThrow('\\Q is not supported');
  });
});
