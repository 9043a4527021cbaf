import { messageOf } from '../lib/error-text.js';

export interface Finding {
  check: string;
  verdict: 'ok' | 'warn' | 'fail';
  found: string;
  /** How to mend it; null: nothing is to be done. */
  mend: string | null;
}
export type Look = Omit<Finding, 'check'>;

export const ok = (found: string): Look => ({ verdict: 'ok', found, mend: null });
export const warn = (found: string, mend: string): Look => ({ verdict: 'warn', found, mend });
export const fail = (found: string, mend: string): Look => ({ verdict: 'fail', found, mend });

/** One part of an installation; `On`: what it takes to look at it. */
export interface Check<On> {
  check: string;
  look(on: On): Promise<Look>;
}

/** Runs the checks in their order. One that throws has failed, and keeps no other from its look. */
export async function runChecks<On>(checks: Check<On>[], on: On): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { check, look } of checks) {
    const found = await look(on).catch((error: unknown) =>
      fail(`it could not be checked: ${messageOf(error)}`, 'See whether the part before it is well.'),
    );
    findings.push({ check, ...found });
  }
  return findings;
}
