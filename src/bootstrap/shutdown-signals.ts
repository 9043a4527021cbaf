/** `npm` and a terminal both pass on one Ctrl-C: a signal within this time of the first is the same one. */
export const SAME_SIGNAL_MS = 1_000;

/** Signals call `stop`, once. A later second signal exits at once: the next start loses nothing. */
export function onShutdownSignal(
  stop: (signal: NodeJS.Signals) => Promise<void>,
  signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'],
): void {
  let first: number | null = null;
  for (const signal of signals) {
    process.on(signal, () => {
      if (first === null) {
        first = performance.now();
        void stop(signal);
      } else if (performance.now() - first > SAME_SIGNAL_MS) {
        process.exit(1);
      }
    });
  }
}
