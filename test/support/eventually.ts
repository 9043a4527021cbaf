/** Polls until `ask` returns a truthy value; rejects after `ms`. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | null | false>,
  ms = 60_000,
): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`Nothing came of it within ${ms} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
