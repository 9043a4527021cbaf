import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { buildGo, EXPRESS, FASTAPI, GO, startProgram, type Program } from '../support/programs.js';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';

let server: ServerProcess;
let removeGo: () => Promise<void>;
let program: Program | undefined;
beforeAll(async () => {
  [server, removeGo] = await Promise.all([startServerProcess(), buildGo()]);
});
afterEach(() => program?.kill());
afterAll(async () => {
  await server.stop();
  await removeGo();
});

test.for([FASTAPI, GO, EXPRESS])(
  'a webhook of the $name program is retried, and goes on after a kill of the server',
  async (language, { skip }) => {
    skip(!language.isThere);
    const port = await freePort();
    const env = { TARGET_URL: `http://127.0.0.1:${port}/always-500` };
    program = await startProgram(language, 'first-webhook/main', server, port, env);
    const answer = await fetch(program.url);
    const { id } = (await answer.json()) as { id: string };
    await server.attempted(id, 2);
    await server.kill();
    await server.start();
    await program.printed('attempt 4');

    const { deliveries } = await server.client.events.get(id);
    const { attempts } = await server.client.deliveries.get(deliveries[0]!.id);
    expect(attempts.map(({ number }) => number)).toEqual(attempts.map((_, index) => index + 1));
    // The kill may have come in the middle of an attempt.
    for (const { classification } of attempts)
      expect(classification).toMatch(/^(HTTP_5XX_RETRYABLE|WORKER_LOST)$/);
    await server.client.deliveries.cancel(deliveries[0]!.id);
  },
);
