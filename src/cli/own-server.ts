import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { supervise, type Running } from '../embedded/supervise.js';
import { isOnThisMachine } from './connect.js';
import { EXIT_CODES, ExitError } from './exit-codes.js';
import { spawnServer } from './server-process.js';

const LOOK_EVERY_MS = 100;
const ANSWER_MS = 3_000;
/** The lines of the server's output that are kept, to say why it ended. */
const LAST_LINES = 20;
/** Variables that mean something else to most applications. */
const OF_APPLICATIONS = ['PORT', 'HOST', 'DATABASE_URL', 'METRICS_PORT', 'LOG_LEVEL'];

interface Options {
  url: string;
  env: NodeJS.ProcessEnv;
  /** Whether all output of the server is printed; else its progress until it runs. */
  verbose: boolean;
  say(line: string): void;
}

/** Starts the embedded default at the URL, and again whenever it ends; null where a server runs there. */
export async function startUnlessRunning(options: Options): Promise<{ stop(): Promise<void> } | null> {
  if (await isRunning(options.url)) return null;
  if (!isOnThisMachine(options.url) || !options.url.startsWith('http:'))
    throw new ExitError(
      EXIT_CODES.unavailable,
      `No server answers at ${options.url}, and only one on this machine can be started.`,
    );
  const first = await start(options);
  return supervise('the server', first, () => start(options), options.say);
}

async function isRunning(url: string): Promise<boolean> {
  let response: Response;
  try {
    response = await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (cause) {
    if ((cause as Error).name !== 'TimeoutError') return false;
    throw new ExitError(EXIT_CODES.unavailable, `A server listens at ${url} and does not answer.`, { cause });
  }
  const body: unknown = await response.json().catch(() => null);
  if ((body as { status?: unknown } | null)?.status === 'ok') return true;
  throw new ExitError(
    EXIT_CODES.failed,
    `The server at ${url} is no Surehook: set SUREHOOK_URL to another port.`,
  );
}

async function start({ url, env, verbose, say }: Options): Promise<Running> {
  const { hostname, port } = new URL(url);
  const child = spawnServer(
    [],
    {
      env: {
        ...Object.fromEntries(Object.entries(env).filter(([name]) => !OF_APPLICATIONS.includes(name))),
        HOST: hostname.replace(/^\[(.*)\]$/, '$1'),
        PORT: port || '80',
      },
      // In a process group of its own: a Ctrl-C of the terminal is for the application first.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
    fileURLToPath(new URL('./server-of-run.js', import.meta.url)),
  );
  let isQuiet = false;
  let isStopping = false;
  const last: string[] = [];
  for (const stream of [child.stdout!, child.stderr!])
    createInterface(stream).on('line', (line) => {
      last.splice(0, last.push(line) - LAST_LINES);
      if (line.startsWith('surehook ready ')) isQuiet = true;
      if (verbose || (!isQuiet && !isLogged(line))) say(line);
      else if (line.startsWith('  dashboard ')) say(line.trim().replace(/ +/, ' '));
    });
  const exited = once(child, 'close').then(() => {
    if (!isStopping && !verbose) last.filter((line) => isQuiet || isLogged(line)).forEach(say);
  });
  await untilUp(child, url, exited);
  isQuiet = true;
  child.channel?.unref();
  return {
    exited,
    async stop() {
      isStopping = true;
      child.kill('SIGINT');
      await exited;
    },
  };
}

/** Progress and errors of a start are text, the log is JSON. */
const isLogged = (line: string) => line.startsWith('{');

async function untilUp(child: ChildProcess, url: string, exited: Promise<void>): Promise<void> {
  while (!(await isRunning(url).catch(() => false))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      await exited;
      throw new ExitError(EXIT_CODES.failed, 'The server did not start.');
    }
    await sleep(LOOK_EVERY_MS);
  }
}
