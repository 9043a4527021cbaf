import { expect, test } from 'vitest';
import { classifyStatus, nextStep } from '../../src/domain/classify.js';

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
