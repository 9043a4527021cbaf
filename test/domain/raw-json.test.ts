import fc from 'fast-check';
import { expect, test } from 'vitest';
import { elementTexts, memberText, TooDeepError } from '../../src/domain/raw-json.js';

test.each([
  ['{"payload":1}', '1'],
  [
    '{ "payload" : { "b":1.10, "a":12345678901234567890 } , "type":"x"}',
    '{ "b":1.10, "a":12345678901234567890 }',
  ],
  ['{"type":"payload","payload":"a\\"}\\\\"}', '"a\\"}\\\\"'],
  ['{"a":{"payload":1},"payload":[1,{"x":"]"}]}', '[1,{"x":"]"}]'],
  ['{"payload":1,"payload":2}', '2'],
  ['{"pay\\u006coad":null}', 'null'],
  ['{"type":"x"}', undefined],
  ['{}', undefined],
])('in %s the payload is %s', (text, expected) => {
  expect(memberText(text, 'payload')).toBe(expected);
});

test('a member keeps its value among any other members and with any indentation', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.jsonValue(),
      fc.integer({ min: 0, max: 4 }),
      (others, payload, indent) => {
        const text = JSON.stringify({ ...others, payload }, null, indent);
        const raw = memberText(text, 'payload');
        expect(raw).toBeDefined();
        expect(JSON.parse(raw!)).toEqual(JSON.parse(JSON.stringify(payload)));
        expect(raw).toBe(raw!.trim());
        expect(text).toContain(raw);
      },
    ),
  );
});

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

test('the depth limit counts nested arrays and objects, not siblings or brackets in strings', () => {
  const wide = `[${Array(50).fill('{"a":[1]}').join()},"[[[[[["]`;
  expect(memberText(`{"payload":${wide}}`, 'payload', 3)).toBe(wide);
  expect(() => memberText(`{"payload":${wide}}`, 'payload', 2)).toThrow(TooDeepError);
  expect(memberText(`{"payload":${nested(1_000)}}`, 'payload', 1_000)).toBe(nested(1_000));
  expect(() => memberText(`{"payload":${nested(1_001)}}`, 'payload', 1_000)).toThrow(TooDeepError);
});

test('without a limit, 100,000 levels of nesting do not overflow the stack', () => {
  expect(memberText(`{"payload":${nested(100_000)}}`, 'payload')).toHaveLength(200_000);
  expect(elementTexts(`[${nested(100_000)}]`)).toEqual([nested(100_000)]);
});
