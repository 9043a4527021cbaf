/**
 * Shares one call of `ask` between concurrent callers, and its result for `ms` more. `rest`: the result, or the error, is
 * also kept for so many times as long as `ask` took, so that callers without a key cannot keep it busy. Without it, errors
 * are not kept.
 */
export function sharedAnswer<T>(ms: number, ask: () => Promise<T>, rest = 0): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => {
    if (answer) return answer;
    const began = performance.now();
    const asked = ask();
    const forget = () => {
      answer = null;
    };
    const keep = (least: number) => {
      const keepMs = Math.max(least, rest * (performance.now() - began));
      if (keepMs === 0) forget();
      else setTimeout(forget, keepMs).unref();
    };
    asked.then(
      () => keep(ms),
      () => keep(0),
    );
    return (answer = asked);
  };
}

interface Kept<T> {
  answer: Promise<T>;
  askedAt: number;
  isAskedAgain: boolean;
}

/**
 * Shares the calls of `ask` by their question, which JSON can tell from others: one call for concurrent callers, and its
 * result for `ms` more. Who asks in the second half of that time gets it, too, while it is asked again: only the first of
 * many callers waits. Errors are not kept.
 */
export function sharedAnswers<Q, T>(
  ms: number,
  ask: (question: Q) => Promise<T>,
): (question: Q) => Promise<T> {
  const all = new Map<string, Kept<T>>();
  function keep(key: string, asked: Pick<Kept<T>, 'answer' | 'askedAt'>): void {
    const kept = { ...asked, isAskedAgain: false };
    all.set(key, kept);
    const forget = () => {
      if (all.get(key) === kept) all.delete(key);
    };
    kept.answer.then(() => setTimeout(forget, kept.askedAt + ms - performance.now()).unref(), forget);
  }
  return (question) => {
    const key = JSON.stringify(question);
    const askedAt = performance.now();
    const kept = all.get(key);
    if (kept && (kept.isAskedAgain || askedAt - kept.askedAt < ms / 2)) return kept.answer;
    const answer = ask(question);
    if (!kept) {
      keep(key, { answer, askedAt });
      return answer;
    }
    kept.isAskedAgain = true;
    answer.then(
      () => keep(key, { answer, askedAt }),
      () => (kept.isAskedAgain = false),
    );
    return kept.answer;
  };
}
