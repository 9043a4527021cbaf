import type { components } from './schema';

export type Problem = components['schemas']['Problem'];

/** An answer that is not 2xx, or no answer at all (status 0). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem | null,
    readonly requestId: string | null,
  ) {
    super(problem?.detail ?? problem?.title ?? inWords(status));
    this.name = 'ApiError';
  }

  /** The stable name of the problem. */
  get code(): string | undefined {
    return this.problem?.code;
  }

  /** The message of each field that was refused, by its path, such as `url`. */
  get fields(): Record<string, string> {
    return Object.fromEntries((this.problem?.errors ?? []).map(({ path, message }) => [path, message]));
  }
}

const inWords = (status: number) =>
  status === 0
    ? 'The server did not answer. It may be restarting, or the network is away.'
    : `The server answered ${status} without saying why.`;

export const isSignedOut = (error: unknown): boolean => error instanceof ApiError && error.status === 401;
