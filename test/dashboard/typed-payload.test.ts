import { expect, test } from 'vitest';
import { typedPayload } from '../../dashboard/src/lib/typed-payload.js';

test('a payload that was typed is sent with all its digits, once, beside the other members', () => {
  const text = '{"id": 12345678901234567890, "price": 1.0}';
  const body = typedPayload(text)({ type: 'a.b', payload: JSON.parse(text) as unknown, tenant: undefined });
  expect(body).toBe(`{"payload":${text},"type":"a.b"}`);
});
