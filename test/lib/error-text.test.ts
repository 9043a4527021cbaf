import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { causesOf, messageOf } from '../../src/lib/error-text.js';

function faultOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return error;
  }
}

test.each([
  'canary',
  '{"a":canary}',
  '{"a":"canary"',
  '{"a":"canary" "b"',
  '["canary"}',
  '{"canary',
  '{canary":1}',
])('the message of JSON.parse about %s quotes nothing of it', (text) => {
  const message = messageOf(faultOf(text));
  expect(message).not.toContain('cana');
  expect(message).toMatch(/JSON/);
});

test.each([
  ['22P02', 'invalid input syntax for type integer: "canary"', 'invalid input syntax for type integer: "…"'],
  [
    '22P02',
    'ungültige Eingabesyntax für Typ integer: „canary“',
    'ungültige Eingabesyntax für Typ integer: "…"',
  ],
  [
    '22P02',
    'syntaxe en entrée invalide pour le type : « canary »',
    'syntaxe en entrée invalide pour le type : "…"',
  ],
  ['22003', 'value "canary" is out of range', 'value "…" is out of range'],
  [
    '23505',
    'duplicate key value violates unique constraint "x"',
    'duplicate key value violates unique constraint "x"',
  ],
  ['ECONNREFUSED', 'connect ECONNREFUSED "here"', 'connect ECONNREFUSED "here"'],
])('an error with the code %s and the message %s says %s', (code, message, expected) => {
  expect(messageOf(Object.assign(new Error(message), { code }))).toBe(expected);
});

test('an error of another context is one, and what is thrown instead of an error is a text', () => {
  const error: unknown = runInNewContext('try { JSON.parse("canary") } catch (error) { error }');
  expect(error).not.toBeInstanceOf(Error);
  expect(messageOf(error)).toBe(`Unexpected token 'c', "…" is not valid JSON`);
  expect(messageOf('away')).toBe('away');
});

test('causes are followed, and a circle of them has an end', () => {
  const [first, second] = [new Error('first'), new Error('second')];
  first.cause = second;
  expect(causesOf(first)).toEqual([first, second]);
  second.cause = first;
  expect(causesOf(first)).toHaveLength(5);
});
