/** `npm` and a terminal both pass on one Ctrl-C: a signal within this time of the first is the same one. */
const SAME_MS = 1_000;

/** SIGINT and SIGTERM call `stop`. A later second signal exits at once: the next start loses nothing. */
export function onShutdownSignal(stop: () => Promise<void>): void {
  let first: number | null = null;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (first === null) {
        first = performance.now();
        void stop();
      } else if (performance.now() - first > SAME_MS) {
        process.exit(1);
      }
    });
  }
}
