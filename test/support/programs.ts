import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { startCommandLine, type CommandLine } from './command-line.js';
import { hasGo, hasPython } from './languages.js';
import type { ServerProcess } from './server-process.js';
import { ADMIN_KEY } from './service.js';

/** A language of the examples, and how the command begins that runs the program `path`, such as `receiver/main`. */
export interface Language {
  name: string;
  isThere: boolean;
  command(path: string): string;
}

export const EXPRESS: Language = {
  name: 'Express',
  isThere: true,
  command: (path) => `npx tsx examples/${path}.ts`,
};
export const FASTAPI: Language = {
  name: 'FastAPI',
  isThere: hasPython,
  command: (path) => `uvicorn ${basename(path)}:app --app-dir examples/${dirname(path)}`,
};
export const GO: Language = {
  name: 'net/http',
  isThere: hasGo(),
  command: (path) => `go run -C examples ./${dirname(path)}`,
};

/** Runs a program of an example as its README says, as a client of the server, at a port of its own. */
export async function startProgram(
  language: Language,
  path: string,
  server: ServerProcess,
  port: number,
  env: Record<string, string> = {},
): Promise<CommandLine> {
  const readme = await readFile(`examples/${dirname(path)}/README.md`, 'utf8');
  const commands = readme.match(/(?:npx tsx|uvicorn|go run) [^`\n]+/g) ?? [];
  const command = commands.find((one) => one.startsWith(language.command(path)));
  if (command === undefined) throw new Error(`The README of ${path} has no command for ${language.name}.`);
  return startCommandLine(command.replace(/--port \d+/, `--port ${port}`), port, {
    SUREHOOK_URL: server.url,
    SUREHOOK_API_KEY: ADMIN_KEY,
    ...env,
  });
}
