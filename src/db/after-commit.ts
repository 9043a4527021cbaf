/** The commit succeeded and later work failed: the response must not say that nothing was done. */
export class AfterCommitError extends Error {}

/** Marks failures of work that runs after a commit and that the response needs. */
export function afterCommit<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw new AfterCommitError('What followed a commit failed.', { cause });
  });
}
