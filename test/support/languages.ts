import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Made by `.ci/python`; without it, tests of Python are skipped. */
export const PYTHON =
  process.env.SUREHOOK_PYTHON ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'surehook-ci/python/bin/python');
export const hasPython = existsSync(PYTHON);

export function hasGo(): boolean {
  try {
    execFileSync('go', ['version']);
    return true;
  } catch {
    return false;
  }
}
