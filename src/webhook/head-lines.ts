const EMPTY = Buffer.alloc(0);
const FIRST_BYTES = 1024;
const LF = 10;
const CR = 13;
const START = Buffer.from('HTTP/');
/** The fourth of an HTTP/2 frame's nine header bytes is its type; a server's first frame is always SETTINGS. */
const SETTINGS = 4;

/** Collects a head up to its empty line. Copies a head that comes in pieces, into one buffer of up to `limit` bytes. */
export interface HeadLines {
  /** Returns how many of `bytes` belong to the head. */
  take(bytes: Buffer): number;
  complete: boolean;
  length: number;
  /** The whole of a complete head, as Latin-1, which keeps every byte. */
  text(): string;
  /** The lines whose end has arrived. */
  completeLines(): string;
  /** False as soon as the bytes cannot be an HTTP/1 answer. */
  startsLikeHttp(): boolean;
  isHttp2(): boolean;
  clear(): void;
}

export function headLines(limit: number): HeadLines {
  let own: Buffer = EMPTY;
  /** The buffer with the head: `own`, or the caller's bytes where they contain the whole head. */
  let held: Buffer = EMPTY;
  /** Offsets of the first non-blank line and of the last line, and the end of the bytes searched for line ends. */
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
      // The bytes may yet become a blank line or an HTTP/2 frame.
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

  /** The index after the empty line that ends the head, or -1. Blank lines before the status line are skipped. */
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
