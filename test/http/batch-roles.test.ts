import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createApp } from '../../src/http/app.js';
import type { AppDeps } from '../../src/http/app-deps.js';
import { createLogger } from '../../src/observability/logger.js';

/** Runs the app with an `authorize` that refuses every request and returns the role it requires. */
async function rolesAskedFor(requests: [method: string, path: string][]): Promise<string[]> {
  const app = createApp({
    identify: () => 'anybody',
    authorize: (role) => (_request, response) => void response.status(403).json({ role }),
    log: createLogger('silent'),
  } as Partial<AppDeps> as AppDeps);
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await Promise.all(
      requests.map(async ([method, path]) => {
        const answer = await fetch(`http://127.0.0.1:${port}/v1${path}`, { method });
        return ((await answer.json()) as { role: string }).role;
      }),
    );
  } finally {
    server.close();
  }
}

test('reading batches requires the viewer role, creating and changing them the operator role', async () => {
  const one = `/batches/bat_${'0'.repeat(32)}`;
  const seen: [string, string][] = [
    ['GET', '/batches'],
    ['GET', one],
    ['GET', `${one}/items`],
  ];
  const changed: [string, string][] = [
    ['POST', '/batches'],
    ['PATCH', one],
    ...['start', 'pause', 'resume', 'cancel'].map((verb): [string, string] => ['POST', `${one}/${verb}`]),
  ];
  expect(await rolesAskedFor(seen)).toEqual(seen.map(() => 'viewer'));
  expect(await rolesAskedFor(changed)).toEqual(changed.map(() => 'operator'));
});
