/** Asks once for all who want to know: one question is under way at a time, and its answer serves for `ms`. */
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
