import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Servers that Surehook's tests have run on: that of CLI 1.5.1, and that of CLI 1.9.1 with its later patches. */
const TESTED = { from: [1, 29, 1], below: [1, 33] };
export const TESTED_VERSIONS = '1.29.1 to 1.32';
/** Deadline: longer than a CLI takes on a busy machine; a program that is no CLI may never answer. */
const ANSWER_MS = 10_000;

const run = promisify(execFile);

/**
 * The server version that a `temporal` CLI reports; null if it reports none. The CLI's own version is useless: a CLI
 * built by `go install` calls itself 0.0.0-DEV.
 */
export async function serverVersion(binary: string): Promise<string | null> {
  const { stdout } = await run(binary, ['--version'], { timeout: ANSWER_MS, killSignal: 'SIGKILL' }).catch(
    () => ({ stdout: '' }),
  );
  return /\(Server v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null;
}

/** Why a CLI found on this machine cannot be used; null if its server is known to work. */
export async function whyNotUsed(binary: string): Promise<string | null> {
  const version = await serverVersion(binary);
  if (version === null) return 'does not say which Temporal server it has';
  return isTested(version)
    ? null
    : `has the Temporal server ${version}, and only ${TESTED_VERSIONS} are known to work`;
}

export function isTested(version: string): boolean {
  const parts = version.split('.').map(Number);
  return compare(parts, TESTED.from) >= 0 && compare(parts, TESTED.below) < 0;
}

function compare(a: number[], b: number[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at < 0 ? 0 : a[at]! - (b[at] ?? 0);
}
