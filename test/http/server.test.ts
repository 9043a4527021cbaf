import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { startServer } from '../../src/http/server.js';

/** Returns the status of the response, or the error code without one. */
async function ask(url: string, agent: Agent): Promise<number | string> {
  try {
    const asked = request(url, { agent });
    asked.end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return response.statusCode!;
  } catch (error) {
    return String((error as { code?: string }).code);
  }
}

test('a stopping server cuts no request on busy keep-alive connections', async () => {
  const server = await startServer(
    (_request, response) => void setTimeout(() => response.end('done'), Math.random() * 20),
    { host: '127.0.0.1', port: 0 },
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const ends = Array.from({ length: 16 }, async () => {
    for (;;) {
      const answer = await ask(server.url, agent);
      if (answer !== 200) return answer;
      await sleep(Math.random() * 20);
    }
  });
  await sleep(300);
  const began = Date.now();
  await server.close();
  expect(Date.now() - began).toBeLessThan(2_000);
  // Only new connections to the closed port were refused.
  expect(await Promise.all(ends)).toEqual(Array(16).fill('ECONNREFUSED'));
  agent.destroy();
});

test('a request that arrives on an idle connection just after the stop is answered', async () => {
  const server = await startServer((_request, response) => void response.end('done'), {
    host: '127.0.0.1',
    port: 0,
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect(await ask(server.url, agent)).toBe(200);
  const closing = server.close();
  await sleep(50);
  expect(await ask(server.url, agent)).toBe(200);
  await closing;
  agent.destroy();
});
