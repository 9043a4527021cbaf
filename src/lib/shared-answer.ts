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

/**
 * Shares the calls of `ask` by their question, which JSON can tell from others: one call for concurrent callers, and its
 * result for `ms` more. Errors are not kept.
 */
export function sharedAnswers<Q, T>(
  ms: number,
  ask: (question: Q) => Promise<T>,
): (question: Q) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (question) => {
    const key = JSON.stringify(question);
    const known = answers.get(key);
    if (known) return known;
    const asked = ask(question);
    answers.set(key, asked);
    const forget = () => void answers.delete(key);
    asked.then(() => setTimeout(forget, ms).unref(), forget);
    return asked;
  };
}
