const EMPTY = Buffer.alloc(0);
const FIRST_BYTES = 1024;
const LF = 10;
const CR = 13;
const START = Buffer.from('HTTP/');
/** An HTTP/2 frame has its type as the fourth byte of nine; the first one of a server is always SETTINGS. */
const SETTINGS = 4;

/** The bytes of a head until its empty line: copied only where a head comes in pieces, into one buffer of `limit`. */
export interface HeadLines {
  /** Answers how many of `bytes` belong to the head. */
  take(bytes: Buffer): number;
  complete: boolean;
  length: number;
  /** All of a complete head, as Latin-1, which keeps every byte. */
  text(): string;
  /** The lines that have come to their end. */
  completeLines(): string;
  /** False as soon as it cannot be an answer of HTTP/1. */
  startsLikeHttp(): boolean;
  isHttp2(): boolean;
  clear(): void;
}

export function headLines(limit: number): HeadLines {
  let own: Buffer = EMPTY;
  /** Holds the head: `own`, or the caller's bytes where these have all of it. */
  let held: Buffer = EMPTY;
  /** Where its first line that is not blank begins, where the last line begins, and up to where line ends were looked for. */
  let first = 0;
  let line = 0;
  let scanned = 0;

  const lines: HeadLines = {
    complete: false,
    length: 0,
    take(bytes) {
      const before = lines.length;
      if (before === 0) {
        const end = scan(bytes, bytes.length);
        if (end >= 0 && end <= limit) return settle(bytes, end, end);
        first = line = scanned = 0;
      }
      append(bytes);
      const end = scan(own, lines.length);
      return end < 0 ? lines.length - before : settle(own, end, end - before);
    },
    text: () => held.toString('latin1', first, lines.length),
    completeLines: () => held.toString('latin1', first, line),
    startsLikeHttp() {
      const got = Math.min(START.length, lines.length - first);
      // It may yet become a blank line, or a frame of HTTP/2.
      if (got < START.length && (held[first] === CR ? got === 1 : held[first] === 0)) return true;
      return START.compare(held, first, first + got, 0, got) === 0;
    },
    isHttp2: () => held[first] === 0 && held[first + 3] === SETTINGS && held[first + 4] === 0,
    clear() {
      own = held = EMPTY;
      first = line = scanned = lines.length = 0;
      lines.complete = false;
    },
  };

  /** The index after the empty line that ends the head, or -1. Blank lines before the first are passed over. */
  function scan(buffer: Buffer, length: number): number {
    const bytes = buffer.length === length ? buffer : buffer.subarray(0, length);
    for (;;) {
      const end = bytes.indexOf(LF, scanned);
      if (end < 0) {
        scanned = length;
        return -1;
      }
      const blank = end === line || (end === line + 1 && bytes[line] === CR);
      const started = line > first;
      line = scanned = end + 1;
      if (!blank) continue;
      if (started) return line;
      first = line;
    }
  }

  function settle(bytes: Buffer, length: number, used: number): number {
    held = bytes;
    lines.length = length;
    lines.complete = true;
    return used;
  }

  function append(bytes: Buffer): void {
    const length = Math.min(lines.length + bytes.length, limit);
    if (length > own.length) {
      const larger = Buffer.allocUnsafe(Math.min(limit, Math.max(FIRST_BYTES, own.length * 2, length)));
      own.copy(larger, 0, 0, lines.length);
      own = larger;
    }
    bytes.copy(own, lines.length, 0, length - lines.length);
    lines.length = length;
    held = own;
  }

  return lines;
}
