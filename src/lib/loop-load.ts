import { performance } from 'node:perf_hooks';

/** Age of a measurement that is used again. */
const EVERY_MS = 250;

/**
 * Share of the time in which this process's one thread was busy lately, from 0 to 1: also counts the time in which it
 * waited for a CPU that others used.
 */
export function createLoopLoad(): () => number {
  let last = performance.eventLoopUtilization();
  let load = 0;
  let at = performance.now();
  return () => {
    const now = performance.now();
    if (now - at >= EVERY_MS) {
      const current = performance.eventLoopUtilization();
      load = performance.eventLoopUtilization(current, last).utilization;
      last = current;
      at = now;
    }
    return load;
  };
}
