import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memberText } from '../../src/domain/raw-json.js';

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
])('of %s the payload is %s', (text, expected) => {
  expect(memberText(text, 'payload')).toBe(expected);
});

test('whatever stands around it and however it is spaced, the member is found and means the same', () => {
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
