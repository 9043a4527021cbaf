import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort, isListening } from '../../src/embedded/ports.js';
import { startCommandLine, type CommandLine } from '../support/command-line.js';
import { eventually } from '../support/eventually.js';
import { hasGo, hasPython } from '../support/languages.js';
import { runningWith, serverOf } from '../support/processes.js';
import { startServerProcess, type ServerProcess } from '../support/server-process.js';
import { ADMIN_KEY } from '../support/service.js';

/** The command lines that the README shows for its programs. */
const readme = await readFile('examples/first-webhook/README.md', 'utf8');
const LINES = readme.match(/^npm run surehook -- run -- .+$/gm)!;
const lineOf = (word: string) => LINES.find((line) => line.includes(word))!;

let server: ServerProcess;
let program: CommandLine | undefined;
beforeAll(async () => {
  server = await startServerProcess();
});
afterEach(() => program?.kill());
afterAll(() => server.stop());

/** Starts the program and returns the id of the event of its first webhook. */
async function startAndAsk(line: string, port: number, env: Record<string, string>): Promise<string> {
  program = await startCommandLine(line, port, {
    ...env,
    TARGET_URL: `http://127.0.0.1:${port}/always-500`,
  });
  const answer = await fetch(program.url);
  return ((await answer.json()) as { id: string }).id;
}

/** The program takes an attempt, and `surehook run` prints its line. A kill may have come in the middle of the attempt. */
async function attempted(number: number, port: number): Promise<void> {
  await program!.printed(`attempt ${number}\n`);
  await program!.printed(
    new RegExp(
      `  WARN   message +http://127.0.0.1:${port}/always-500 +attempt ${number}/12 +(HTTP_5XX_RETRYABLE  500|WORKER_LOST ) .*next attempt in `,
    ),
  );
}

test.skipIf(!hasPython)(
  'the command of the README starts a server beside the FastAPI program, shows its attempts, goes on after a kill of the server, and leaves no process',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'surehook-first-'));
    await chmod(dir, 0o711);
    const data = join(dir, 'data');
    const [port, serverPort] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${serverPort}`;
    try {
      const env = {
        ...{ SUREHOOK_URL: url, DATA_DIR: data, TEMPORAL_UI_PORT: '0', SUREHOOK_PROCESSES: '1' },
        // 5 s, 15 s, 45 s … become 100 ms, 300 ms, 900 ms …
        SUREHOOK_RETRY_SCALE: '0.02',
      };
      expect(await startAndAsk(lineOf('uvicorn'), port, env)).toMatch(/^evt_/);
      await attempted(1, port);
      expect(program!.output()).toContain(`surehook: dashboard ${url}/sign-in#token=`);
      process.kill(serverOf(data), 'SIGKILL');
      await program!.printed('surehook: the server is back\n');
      await attempted(4, port);
      await program!.interrupt();
      expect([await isListening(port), await isListening(serverPort)]).toEqual([false, false]);
      expect(runningWith(data)).toEqual([]);
    } finally {
      await program?.kill();
      await eventually(async () => runningWith(data).length === 0);
      await rm(dir, { recursive: true });
    }
  },
);

test.for([
  { name: 'net/http', word: 'go run', isThere: hasGo() },
  { name: 'Express', word: 'tsx', isThere: true },
])(
  'a webhook of the $name program, run as its README says, goes on after a kill of the server',
  async ({ word, isThere }, { skip }) => {
    skip(!isThere);
    const port = await freePort();
    const env = { SUREHOOK_URL: server.url, SUREHOOK_API_KEY: ADMIN_KEY };
    const id = await startAndAsk(lineOf(word), port, env);
    await server.attempted(id, 2);
    await server.kill();
    await server.start();
    for (const number of [1, 4]) await attempted(number, port);
    await program!.interrupt();

    const { deliveries } = await server.client.events.get(id);
    const { attempts } = await server.client.deliveries.get(deliveries[0]!.id);
    expect(attempts.map(({ number }) => number)).toEqual(attempts.map((_, index) => index + 1));
    // The kill may have come in the middle of an attempt.
    for (const { classification } of attempts)
      expect(classification).toMatch(/^(HTTP_5XX_RETRYABLE|WORKER_LOST)$/);
    await server.client.deliveries.cancel(deliveries[0]!.id);
  },
);
