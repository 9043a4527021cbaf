/** `npm` and a terminal both pass on one Ctrl-C: a signal within this time of the first is the same one. */
export const SAME_SIGNAL_MS = 1_000;
/** SIGHUP: the terminal was closed. */
export const SHUTDOWN_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Signals call `stop`, once. A later second signal exits at once: the next start loses nothing. */
export function onShutdownSignal(stop: (signal: NodeJS.Signals) => Promise<void>): void {
  let first: number | null = null;
  for (const signal of SHUTDOWN_SIGNALS) {
    process.on(signal, () => {
      if (first === null) {
        first = performance.now();
        // A terminal that was closed takes no more lines: the stop goes on without them.
        for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
        void stop(signal);
      } else if (performance.now() - first > SAME_SIGNAL_MS) {
        process.exit(1);
      }
    });
  }
}
