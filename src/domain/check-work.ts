/** Steps for one payload. A step takes up to 100 ns, so a check takes up to 0.5 s; mostly, a step takes below 10 ns. */
export const MAX_PAYLOAD_WORK = 5_000_000;
/** Steps for all payloads of a request; the last payload may exceed them by its own. */
export const MAX_REQUEST_WORK = 10_000_000;

/** Steps that may still be taken. Counted instead of time, so that a payload is refused on each machine or on none. */
export interface Work {
  left: number;
}

/** A value would take too much work. */
export class WorkError extends Error {}

export function spend(work: Work, steps: number): void {
  work.left -= steps;
  if (work.left < 0) throw new WorkError();
}
