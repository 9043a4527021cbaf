import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';

/** Our folders need no symbolic links, and one could redirect a write by root to any file. */
const NO_FOLLOW = constants.O_NOFOLLOW ?? 0;
const { O_APPEND, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY, O_DIRECTORY = 0 } = constants;

/**
 * Makes a folder that only its owner can change, and returns its real path. Under root, a folder that another user owns
 * or may change becomes root's: its files are removed, because that user may have made them, except for those named in
 * `keep`, which are written anew.
 */
export function secureFolder(dir: string, keep: string[]): string {
  if (process.geteuid?.() !== 0) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    return realpathSync(dir);
  }
  // Servers that run as other users must be able to enter it.
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  const real = realpathSync(dir);
  const folder = openSync(real, O_RDONLY | O_DIRECTORY | NO_FOLLOW);
  try {
    const { uid, mode } = fstatSync(folder);
    if (uid === 0 && (mode & 0o022) === 0) return real;
    fchownSync(folder, 0, 0);
    fchmodSync(folder, 0o711);
  } finally {
    closeSync(folder);
  }
  for (const entry of readdirSync(real, { withFileTypes: true })) {
    const path = join(real, entry.name);
    if (keep.includes(entry.name)) remake(path);
    else if (!entry.isDirectory()) rmSync(path, { force: true });
  }
  return real;
}

/** Writes the file anew, because another user may still hold the old one open. */
function remake(file: string): void {
  const stats = statOf(file);
  if (!stats?.isFile() || stats.nlink !== 1) return;
  const text = readFileSync(file, 'utf8');
  rmSync(file);
  writeOwn(file, text);
}

/** Opens a file in one of our folders to append to it. */
export function openLog(file: string): number {
  removeForeign(file);
  return openSync(file, O_WRONLY | O_APPEND | O_CREAT | NO_FOLLOW, 0o600);
}

export function writeOwn(file: string, text: string): void {
  removeForeign(file);
  const fd = openSync(file, O_WRONLY | O_TRUNC | O_CREAT | NO_FOLLOW, 0o600);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** The text of a file in one of our folders; empty if there is none, or if another user made it. */
export function readOwn(file: string): string {
  return isOurs(statOf(file)) ? readFileSync(file, 'utf8') : '';
}

function removeForeign(file: string): void {
  const stats = statOf(file);
  if (stats !== null && !isOurs(stats)) rmSync(file, { force: true });
}

const statOf = (file: string): Stats | null => lstatSync(file, { throwIfNoEntry: false }) ?? null;

const isOurs = (stats: Stats | null): boolean =>
  stats !== null && stats.isFile() && stats.nlink === 1 && stats.uid === (process.geteuid?.() ?? stats.uid);
