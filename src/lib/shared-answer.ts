/** Shares one call of `ask` between concurrent callers, and its result for `ms` more; errors are not kept. */
export function sharedAnswer<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => {
    if (answer) return answer;
    const asked = ask();
    const forget = () => {
      answer = null;
    };
    asked.then(() => setTimeout(forget, ms).unref(), forget);
    return (answer = asked);
  };
}
