import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.js';

const ORIGIN = 'https://portal.example.com';

let t: TestService;
let open: TestService;
beforeAll(async () => {
  t = await startTestService();
  open = await startTestService({
    databaseUrl: t.databaseUrl,
    taskQueue: t.taskQueue,
    corsOrigins: [ORIGIN],
  });
});
afterAll(async () => {
  await open.stop();
  await t.stop();
});

const preflight = (service: TestService, origin: string) =>
  fetch(`${service.service.url}/v1/events`, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization',
    },
  });
const post = (service: TestService, origin: string) =>
  service.call('POST', '/v1/events', { type: 'a.b', payload: 1 }, { origin });

test('no page of another origin may call the API by default', async () => {
  const asked = await preflight(t, ORIGIN);
  expect(asked.status).toBe(401);
  for (const { headers } of [asked, await post(t, ORIGIN)])
    expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
});

test('pages of the origins in the setting may call the API, and no others', async () => {
  const asked = await preflight(open, ORIGIN);
  expect(asked.status).toBe(204);
  expect(asked.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  expect(asked.headers.get('access-control-allow-headers')).toContain('authorization');
  expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
  const posted = await post(open, ORIGIN);
  expect(posted.status).toBe(202);
  expect(posted.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  expect(posted.headers.get('access-control-expose-headers')).toContain('x-request-id');
  for (const answer of [
    await preflight(open, 'https://evil.example.com'),
    await post(open, 'https://evil.example.com'),
  ])
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
});
