/** Polls until `ask` returns a truthy value; rejects after `ms`. */
export async function eventually<T>(
  ask: () => Promise<T | undefined | null | false>,
  ms = 60_000,
): Promise<T> {
  const began = Date.now();
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    const passed = Date.now() - began;
    if (passed > ms) throw new Error(`Nothing came of it within ${ms} ms.`);
    // A long wait leaves the CPU to what it waits for.
    await new Promise((resolve) => setTimeout(resolve, passed < 1_000 ? 20 : 50));
  }
}
