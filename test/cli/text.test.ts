import { PassThrough, Writable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createOutput } from '../../src/cli/output.js';
import { jsonLine, neutral, onOneLine, red, rendered } from '../../src/cli/text.js';
import { anyText } from '../support/text.js';

/** Controls, bidirectional and invisible formats, separators, halves of surrogate pairs; not the joiners. */
const OBEYED = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u;

test('no text makes a terminal do anything but show it', () => {
  fc.assert(
    fc.property(anyText(), (text) => {
      expect(rendered([text, red(text)], new PassThrough())).not.toMatch(OBEYED);
    }),
  );
});

test.each([
  ['\u001b[31mred\u001b]0;title\u0007', '\\u001b[31mred\\u001b]0;title\\u0007'],
  ['\u009b2J', '\\u009b2J'],
  ['admin\u202egpj.exe', 'admin\\u202egpj.exe'],
  ['two\nlines\r\tmore', 'two\\nlines\\r\\tmore'],
  ['half \ud83d', 'half \\ud83d'],
  ['tag \u{e0041}', 'tag \\udb40\\udc41'],
  ['👩‍🚀 نمی‌خواهم Zürich', '👩‍🚀 نمی‌خواهم Zürich'],
])('%j is shown as %s', (text, shown) => {
  expect(neutral(text)).toBe(shown);
});

test('JSON of any text is safe to show, and the same value', () => {
  fc.assert(
    fc.property(anyText(), (text) => {
      const line = jsonLine({ text });
      expect(line).not.toMatch(OBEYED);
      expect(JSON.parse(line)).toEqual({ text });
    }),
  );
});

test('JSON text on one line keeps its strings and numbers', () => {
  expect(onOneLine('{\n  "a b": 1.0,\r\n\t"c": ["\\" d \\\\", 2e3]\n}\n')).toBe(
    '{"a b":1.0,"c":["\\" d \\\\",2e3]}',
  );
});

test('columns are as wide as their widest cell, also where a cell is neutralised', () => {
  const stdout = new PassThrough();
  const out = createOutput({ stdout, stderr: stdout }, false);
  out.table(
    [
      { name: 'a\u0007', count: 1 },
      { name: 'longer', count: 20 },
    ],
    [
      { title: 'NAME', cell: ({ name }) => name },
      { title: 'COUNT', cell: ({ count }) => String(count) },
    ],
  );
  expect(String(stdout.read())).toBe('NAME     COUNT\na\\u0007  1\nlonger   20\n');
});

test('with --json a note is an object on stderr', () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  createOutput({ stdout, stderr }, true).note(red('refused: '), 'a\u0007');
  expect(String(stderr.read())).toBe('{"note":"refused: a\\u0007"}\n');
  expect(stdout.read()).toBeNull();
});

test('a table has any number of rows', () => {
  let lines = 0;
  const write = (_: unknown, __: unknown, done: () => void) => (lines++, done());
  const stdout = new Writable({ write });
  const rows = Array.from({ length: 200_000 }, (_, index) => index);
  createOutput({ stdout, stderr: stdout }, false).table(rows, [{ title: 'N', cell: String }]);
  expect(lines).toBe(200_001);
});
