/** `npm` and a terminal both pass one Ctrl-C on: what comes within this time is the same signal again. */
const SAME_MS = 1_000;

/** SIGINT and SIGTERM stop the process. One that comes later means now: the next start loses nothing. */
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
