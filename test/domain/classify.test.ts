import { expect, test } from 'vitest';
import { classifyStatus, nextStep, stopReasonOf } from '../../src/domain/classify.js';

test.each([
  [200, 'DELIVERED'],
  [201, 'DELIVERED'],
  [204, 'DELIVERED'],
  [301, 'REDIRECT'],
  [304, 'REDIRECT'],
  [400, 'HTTP_4XX_PERMANENT'],
  [404, 'HTTP_4XX_PERMANENT'],
  [408, 'HTTP_4XX_RETRYABLE'],
  [410, 'GONE'],
  [425, 'HTTP_4XX_RETRYABLE'],
  [429, 'RATE_LIMITED'],
  [500, 'HTTP_5XX_RETRYABLE'],
  [503, 'HTTP_5XX_RETRYABLE'],
])('an answer of %i is %s', (status, classification) => {
  expect(classifyStatus(status)).toBe(classification);
});

test.each([
  ['DELIVERED', 'delivered', 'delivered'],
  ['HTTP_5XX_RETRYABLE', 'retry', 'retry'],
  ['RATE_LIMITED', 'retry', 'retry'],
  ['HTTP_4XX_RETRYABLE', 'retry', 'retry'],
  ['HTTP_4XX_PERMANENT', 'stop', 'retry'],
  ['GONE', 'gone', 'gone'],
  ['REDIRECT', 'stop', 'retry'],
  ['TIMEOUT', 'retry', 'retry'],
  ['NETWORK_ERROR', 'retry', 'retry'],
  ['DNS_ERROR', 'retry', 'retry'],
  ['TLS_ERROR', 'retry', 'retry'],
  ['ADDRESS_BLOCKED', 'stop', 'stop'],
  ['WORKER_LOST', 'retry', 'retry'],
  ['ENDPOINT_DELETED', 'stop', 'stop'],
] as const)('%s leads to %s, and to %s with retry_on all', (classification, byDefault, all) => {
  expect(nextStep(classification, 'default')).toBe(byDefault);
  expect(nextStep(classification, 'all')).toBe(all);
});

const byDefault = { retry_on: 'default' as const, permanent_statuses: [] };

test.each([
  [500, [], null],
  [500, [500], 'PERMANENT_STATUS'],
  [503, [500], null],
  [503, ['5xx'], 'PERMANENT_STATUS'],
  [429, ['4xx'], 'PERMANENT_STATUS'],
  // The classification says it already.
  [404, ['4xx'], null],
  [200, ['3xx', '4xx', '5xx'], null],
] as const)(
  'an answer of %i at an endpoint with the permanent statuses %j: %s',
  (status, patterns, reason) => {
    const endpoint = { ...byDefault, permanent_statuses: [...patterns] };
    expect(stopReasonOf(status, undefined, endpoint)).toBe(reason);
  },
);

test('permanent statuses win over retry_on all', () => {
  const all = { retry_on: 'all' as const, permanent_statuses: [404] };
  expect(stopReasonOf(404, undefined, all)).toBe('PERMANENT_STATUS');
  expect(stopReasonOf(403, undefined, all)).toBeNull();
});

test.each([
  [500, 'abort', 'RECEIVER_ABORTED', 'stop'],
  [500, ' Abort-Message ', 'RECEIVER_ABORTED', 'stop'],
  [503, 'disable', 'RECEIVER_DISABLED', 'gone'],
  [404, 'disable', 'RECEIVER_DISABLED', 'gone'],
  [404, 'abort', null, 'stop'],
  [200, 'abort', null, 'delivered'],
  [200, 'disable', 'RECEIVER_DISABLED', 'delivered'],
  [500, 'anything else', null, 'retry'],
] as const)('an answer of %i with webhook-delivery: %s', (status, told, reason, step) => {
  expect(stopReasonOf(status, told, byDefault)).toBe(reason);
  expect(nextStep(classifyStatus(status), 'default', reason)).toBe(step);
});
