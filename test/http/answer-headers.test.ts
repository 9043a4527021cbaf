import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEndpoint } from '../support/path.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

const POLICY = "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'";

test('no answer is cached, sniffed or framed: not those with a secret, nor errors', async () => {
  const { id } = await createEndpoint(t, 'http://127.0.0.1:9/');
  const nobody = { authorization: 'Bearer nobody' };
  const answers = [
    await t.call('GET', `/v1/endpoints/${id}/secret`),
    await t.call('POST', '/v1/api-keys', { name: 'shown-once', role: 'viewer' }),
    await t.call('POST', '/v1/events', {}, { 'content-encoding': 'identity' }),
    await t.call('GET', '/v1/endpoints', undefined, nobody),
    await t.call('GET', '/nowhere'),
    await t.call('GET', '/metrics'),
  ];
  for (const { headers } of answers) {
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe(POLICY);
  }
  // The answer that no router makes.
  const { headers } = await t.call('POST', '/v1/events', { type: 'a.b', payload: 1 });
  expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
    'no-store',
    'nosniff',
  ]);
});
