/**
 * Shares one call of `ask` between concurrent callers, and its result for `ms` more; errors are not kept. `rest`: the
 * result is also kept for so many times as long as `ask` took, so that callers without a key cannot keep it busy.
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
    asked.then(() => setTimeout(forget, Math.max(ms, rest * (performance.now() - began))).unref(), forget);
    return (answer = asked);
  };
}
