import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { SurehookClient } from '../client/index.js';
import { ADMIN_KEY_FILE } from '../embedded/data-files.js';
import { EXIT_CODES, ExitError } from './exit-codes.js';
import type { Io } from './io.js';
import { createOutput, type Output } from './output.js';

interface GlobalOptions {
  url?: string;
  json?: boolean;
}

/** Fewer than the client's own: a person waits. */
const MAX_RETRIES = 2;

/** The output of a command, as its `--json` says. */
export const outputOf = (io: Io, command: Command): Output =>
  createOutput(io, command.optsWithGlobals<GlobalOptions>().json === true);

/** The URL of the server, without a slash at its end: `--url`, else SUREHOOK_URL, else that of `npm start`. */
export function urlOf({ env }: Io, command: Command): string {
  const url = command.optsWithGlobals<GlobalOptions>().url ?? (env.SUREHOOK_URL || 'http://127.0.0.1:8080');
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new ExitError(EXIT_CODES.usage, '--url, SUREHOOK_URL: must be an http(s) URL');
  return url.replace(/\/+$/, '');
}

export const isOnThisMachine = (url: string): boolean =>
  /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);

/** SUREHOOK_API_KEY; for a server on this machine else SUREHOOK_ADMIN_KEY, or the key that `npm start` keeps in DATA_DIR. */
export async function apiKeyFor(url: string, env: Io['env']): Promise<string | undefined> {
  if (env.SUREHOOK_API_KEY) return env.SUREHOOK_API_KEY;
  if (!isOnThisMachine(url)) return undefined;
  if (env.SUREHOOK_ADMIN_KEY) return env.SUREHOOK_ADMIN_KEY;
  const file = join(env.DATA_DIR || '.surehook', ADMIN_KEY_FILE);
  return readFile(file, 'utf8').then(
    (key) => key.trim() || undefined,
    () => undefined,
  );
}

export interface Connected {
  client: SurehookClient;
  out: Output;
}

/** A client of the server that the command names, and its output. */
export async function connect(io: Io, command: Command): Promise<Connected> {
  const url = urlOf(io, command);
  const apiKey = await apiKeyFor(url, io.env);
  const { createClient } = await import('../client/index.js');
  const client = createClient({ url, ...(apiKey ? { apiKey } : {}), maxRetries: MAX_RETRIES });
  return { client, out: outputOf(io, command) };
}
