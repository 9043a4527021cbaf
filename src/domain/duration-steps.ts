/**
 * Durations are counted in steps, four for each doubling: step k holds those from 2^(k/4) ms up to the next step's start,
 * and step 0 also all below. A percentile from steps is at most a fifth away from the exact one.
 */
const STEPS_PER_DOUBLING = 4;

/** SQL: the step of a duration in milliseconds, at most four months: no value may stop the count. */
export const stepOf = (ms: string): string =>
  `floor(${STEPS_PER_DOUBLING} * ln(least(greatest(${ms}, 1), 1e10)) / ln(2))::int`;

/** Where a step begins, in milliseconds. */
const startOf = (step: number): number => 2 ** (step / STEPS_PER_DOUBLING);

/** Number of durations by step. */
export type StepCounts = ReadonlyMap<number, number>;

/** The durations that shares of the counted ones do not exceed, in milliseconds; null: none is counted. */
export function percentiles(counts: StepCounts, shares: readonly number[]): number[] | null {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const steps = bySteps(counts);
  return shares.map((share) => {
    let left = share * total;
    // Within a step, durations are taken as evenly spread over its logarithm.
    for (const [step, count] of steps) {
      if (left <= count) return rounded(startOf(step + left / count));
      left -= count;
    }
    return rounded(startOf(steps.at(-1)![0] + 1));
  });
}

/** The counts as a histogram: each item counts the durations below `below_ms` that are not below the one before. */
export const histogram = (counts: StepCounts): { below_ms: number; count: number }[] =>
  bySteps(counts).map(([step, count]) => ({ below_ms: rounded(startOf(step + 1)), count }));

const bySteps = (counts: StepCounts) => [...counts].sort(([a], [b]) => a - b);
const rounded = (ms: number) => Number(ms.toPrecision(3));
