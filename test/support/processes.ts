import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { commandLine } from '../../src/embedded/process-identity.js';

/** Command lines of running processes that contain `text`. Slim images have no `ps`: /proc is read if it exists. */
export function runningWith(text: string): string[] {
  const lines = existsSync('/proc/self/stat')
    ? readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [commandLine(Number(name)) ?? ''] : []))
    : execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(text));
}

/** The process of the server that runs on a data folder, which it has locked. */
export function serverOf(dataDir: string): number {
  const [, pid] = /^lock-(\d+)-/m.exec(readdirSync(dataDir).join('\n'))!;
  return Number(pid);
}
