import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { commandLine } from '../../src/embedded/process-identity.js';

/** The command lines of what runs now that hold `text`. Slim images have no `ps`: where there is a /proc, it is read. */
export function runningWith(text: string): string[] {
  const lines = existsSync('/proc/self/stat')
    ? readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [commandLine(Number(name)) ?? ''] : []))
    : execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(text));
}
