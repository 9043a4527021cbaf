import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isListening } from '../../src/embedded/ports.js';
import { eventually } from './eventually.js';
import { hasGo, hasPython, PYTHON } from './languages.js';
import { runProcess, type ProcessRun } from './run-process.js';
import type { ServerProcess } from './server-process.js';
import { ADMIN_KEY } from './service.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLES = join(ROOT, 'examples');

/** A language of the examples, and how it runs the program `path`, such as `receiver/main`. */
export interface Language {
  name: string;
  isThere: boolean;
  command(path: string, port: number): string[];
}

let goPrograms: string;

export const EXPRESS: Language = {
  name: 'Express',
  isThere: true,
  command: (path) => [process.execPath, '--import', 'tsx', join(EXAMPLES, `${path}.ts`)],
};
export const FASTAPI: Language = {
  name: 'FastAPI',
  isThere: hasPython,
  command: (path, port) => [
    ...[join(dirname(PYTHON), 'uvicorn'), `${basename(path)}:app`],
    ...['--app-dir', join(EXAMPLES, dirname(path)), '--port', String(port)],
  ],
};
export const GO: Language = {
  name: 'net/http',
  isThere: hasGo(),
  command: (path) => [join(goPrograms, dirname(path))],
};

/** Compiles the Go programs of the examples; returns how to remove them. */
export async function buildGo(): Promise<() => Promise<void>> {
  const dir = (goPrograms = await mkdtemp(join(tmpdir(), 'surehook-go-')));
  if (GO.isThere) await promisify(execFile)('go', ['build', '-o', dir, './...'], { cwd: EXAMPLES });
  return () => rm(dir, { recursive: true });
}

export interface Program {
  url: string;
  output(): string;
  /** Waits until its output has this text. */
  printed(text: string | RegExp): Promise<void>;
  kill(): Promise<void>;
}

/** Runs a program of an example, as a client of the server, at a port of its own. */
export async function startProgram(
  language: Language,
  path: string,
  server: ServerProcess,
  port: number,
  env: Record<string, string> = {},
): Promise<Program> {
  const [command = '', ...args] = language.command(path, port);
  const run = runProcess(command, args, {
    cwd: ROOT,
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: join(ROOT, 'clients/python/src'),
      SUREHOOK_URL: server.url,
      SUREHOOK_API_KEY: ADMIN_KEY,
      PORT: String(port),
      ...env,
    },
  });
  return listening(run, `${path} of ${language.name}`, port);
}

/** The program of a process, once it listens at the port. */
export async function listening(run: ProcessRun, name: string, port: number): Promise<Program> {
  // The log package of Go writes to standard error.
  const output = () => run.out + run.err;
  const ended = () => run.child.exitCode !== null || run.child.signalCode !== null;
  const waitFor = (ask: () => Promise<boolean>) =>
    eventually(async () => {
      if (ended()) throw new Error(`${name} has ended:\n${output()}`);
      return ask();
    });
  await waitFor(() => isListening(port));
  return {
    url: `http://127.0.0.1:${port}`,
    output,
    printed: async (text) =>
      void (await waitFor(async () =>
        typeof text === 'string' ? output().includes(text) : text.test(output()),
      )),
    async kill() {
      run.child.kill('SIGKILL');
      await run.exit;
    },
  };
}
