import { describe, expect, it } from 'vitest';
import { headerProblem, requestHeaders, RESERVED } from '../../src/webhook/request-headers.js';

const ours = {
  ofEvent: {},
  contentType: 'application/json',
  eventId: 'evt_1',
  timestamp: 1_700_000_000,
  signature: 'v1,abc',
  attempt: 3,
  eventType: 'order.created',
  version: '1.2.3',
};

describe('headerProblem', () => {
  it.each([
    ['X-Team', 'blue'],
    ['authorization', 'Bearer abc'],
    ['x_odd.name~', 'tabs\tand ümlauts'],
    ['x-empty', ''],
  ])('accepts %s', (name, value) => {
    expect(headerProblem(name, value)).toBeNull();
  });

  it.each(['', 'two words', 'colon:', 'ümlaut', 'line\nbreak'])('refuses the name %j', (name) => {
    expect(headerProblem(name, 'x')).toMatch(/name of a header/);
  });

  it.each(['a\r\nwebhook-id: forged', 'nul\0', 'snowman ☃', 'bell\x07', 'c1 \x85'])(
    'refuses the value %j',
    (value) => {
      expect(headerProblem('x-own', value)).toMatch(/cannot carry/);
    },
  );

  it.each([
    ...RESERVED,
    'webhook-id',
    'Webhook-Signature',
    'webhook-anything',
    'Proxy-Authorization',
    'HOST',
  ])('refuses %s, which an endpoint cannot set', (name) => {
    expect(headerProblem(name, 'x')).toMatch(/cannot be overridden/);
  });
});

describe('requestHeaders', () => {
  it('sends the headers of the wire contract', () => {
    expect(requestHeaders({ own: {}, ...ours })).toEqual({
      'webhook-id': 'evt_1',
      'webhook-timestamp': '1700000000',
      'webhook-signature': 'v1,abc',
      'webhook-attempt': '3',
      'webhook-event-type': 'order.created',
      'content-type': 'application/json',
      accept: '*/*',
      'user-agent': 'surehook/1.2.3 (+https://github.com/surehook/surehook)',
    });
  });

  it('adds the headers of the endpoint, which cannot override ours in any spelling', () => {
    const headers = requestHeaders({
      own: { 'X-Team': 'blue', 'Webhook-ID': 'forged', 'USER-AGENT': 'x', Accept: 'text/html' },
      ...ours,
    });
    expect(headers).toMatchObject({
      'x-team': 'blue',
      'webhook-id': 'evt_1',
      accept: '*/*',
      'user-agent': 'surehook/1.2.3 (+https://github.com/surehook/surehook)',
    });
    expect(Object.keys(headers).every((name) => name === name.toLowerCase())).toBe(true);
  });
});
