import { CommanderError } from 'commander';
import { ApiError, ConnectionError } from '../client/errors.js';
import { messageOf } from '../lib/error-text.js';
import { exitCodeOf, EXIT_CODES, ExitError } from './exit-codes.js';
import type { Io } from './io.js';
import { jsonLine, red, rendered } from './text.js';

/** Writes to stderr why a command failed, and returns its exit code. */
export function reportError(error: unknown, { stderr }: Io, json: boolean): number {
  const exitCode = exitCodeOf(error);
  const message = wordsOf(error);
  if (exitCode === EXIT_CODES.ok || message === '') return exitCode;
  if (json) {
    const about =
      error instanceof ApiError
        ? { code: error.code, errors: error.errors, request_id: error.requestId }
        : { code: null, errors: [], request_id: null };
    stderr.write(`${jsonLine({ error: { message, exit_code: exitCode, ...about } })}\n`);
    return exitCode;
  }
  const [first = '', ...rest] = message.split('\n');
  const lines = [
    [red('error: '), first],
    ...rest.map((line) => [`  ${line}`]),
    ...fieldsOf(error, message).map((line) => [`  ${line}`]),
    ...hintOf(error).map((hint) => [hint]),
  ];
  for (const line of lines) stderr.write(`${rendered(line, stderr)}\n`);
  return exitCode;
}

function wordsOf(error: unknown): string {
  if (error instanceof ExitError) return error.message;
  // It has written the help itself.
  if (error instanceof CommanderError && /^\(outputHelp\)$/.test(error.message)) return '';
  return messageOf(error).replace(/^error: /, '');
}

/** Each field at fault; not one that the message names already. */
function fieldsOf(error: unknown, message: string): string[] {
  const errors = error instanceof ApiError ? error.errors : [];
  if (errors.length === 1 && message.endsWith(errors[0]!.message)) return [];
  return errors.map((one) => `${one.path}: ${one.message}`);
}

function hintOf(error: unknown): string[] {
  if (error instanceof ApiError && error.status === 401)
    return ['Set SUREHOOK_API_KEY, or run this in the folder of the server, where .surehook/admin-key is.'];
  if (error instanceof ConnectionError)
    return ['Is the server running? --url or SUREHOOK_URL say where; `surehook start` starts one.'];
  return [];
}
