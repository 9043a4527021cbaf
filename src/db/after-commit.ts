/** Something is committed; only what came after failed. No answer may say that nothing was done. */
export class AfterCommitError extends Error {}

/** Work that follows a commit and that the answer cannot do without. */
export function afterCommit<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause: unknown) => {
    throw new AfterCommitError('What followed a commit failed.', { cause });
  });
}
