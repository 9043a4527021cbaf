import { CommanderError } from 'commander';
import { ApiError, ConnectionError } from '../client/errors.js';

/** The exit codes of every command. Scripts rely on them: codes are added, never changed. */
export const EXIT_CODES = {
  ok: 0,
  /** Everything without a code of its own. */
  failed: 1,
  /** The command line, or the data that it names, is wrong. */
  usage: 2,
  notFound: 3,
  /** The API key is missing or wrong, or its role may not do this. */
  refused: 4,
  /** The state of the object forbids it. */
  conflict: 5,
  /** No server answers, or it cannot answer now: the same command may work later. */
  unavailable: 6,
  /** Ended by Ctrl-C. */
  interrupted: 130,
} as const;

/** Ends the command with this exit code, also one of another program; an empty message prints nothing. */
export class ExitError extends Error {
  constructor(
    readonly exitCode: number,
    message = '',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const BY_STATUS: Record<number, number> = {
  400: EXIT_CODES.usage,
  401: EXIT_CODES.refused,
  403: EXIT_CODES.refused,
  404: EXIT_CODES.notFound,
  409: EXIT_CODES.conflict,
  413: EXIT_CODES.usage,
  422: EXIT_CODES.usage,
  429: EXIT_CODES.unavailable,
  502: EXIT_CODES.unavailable,
  503: EXIT_CODES.unavailable,
  504: EXIT_CODES.unavailable,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof ExitError) return error.exitCode;
  // Commander's own is 1 for every wrong command line, and 0 for help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.ok : EXIT_CODES.usage;
  if (error instanceof ConnectionError) return EXIT_CODES.unavailable;
  if (error instanceof ApiError) return BY_STATUS[error.status] ?? EXIT_CODES.failed;
  return EXIT_CODES.failed;
}
