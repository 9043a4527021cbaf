import { BadAnswerError, listed, type Head } from './answer-head.js';

/** Finds the end of a body. `read` throws BadAnswerError where the framing is broken. */
export interface BodyReader {
  /** Passes content to `take`; returns how many bytes belong to the body, fewer than all only where the body ends. */
  read(bytes: Buffer, take: (content: Buffer) => void): number;
  over: boolean;
  /** The end of the body is unambiguous: another answer may follow on the connection. */
  strict: boolean;
  /** The body ends when the connection does. */
  untilClose: boolean;
}

const LF = 10;
const CR = 13;
/** Content-Length and chunk sizes within these limits are exact as numbers. */
const MAX_DECIMAL_DIGITS = 15;
const MAX_HEX_DIGITS = 12;

/** RFC 9112 section 6.3. Throws BadAnswerError where the headers contradict each other. */
export function bodyReader({ status, headers, strict }: Head): BodyReader {
  const codings = listed(headers, 'transfer-encoding').filter((coding) => !/^(identity)?$/i.test(coding));
  const lengths = new Set(listed(headers, 'content-length'));
  const announced = codings.length > 0 || (lengths.size > 0 && !lengths.has('0'));
  if (status === 304) return lengthReader(0, strict && !announced);
  if (status === 204) {
    if (announced) throw new BadAnswerError('204 is an answer without a body, but its headers announce one');
    return lengthReader(0, strict);
  }
  if (codings.length > 0) {
    const chunked = /^chunked$/i.test(codings.at(-1)!);
    return chunked ? chunkReader(strict && codings.length === 1 && lengths.size === 0) : closeReader();
  }
  if (lengths.size === 0) return closeReader();
  const [length = ''] = lengths;
  if (lengths.size > 1 || !/^\d+$/.test(length) || length.length > MAX_DECIMAL_DIGITS) {
    throw new BadAnswerError('its Content-Length is not one number');
  }
  return lengthReader(Number(length), strict);
}

function lengthReader(length: number, strict: boolean): BodyReader {
  let left = length;
  const reader: BodyReader = {
    over: left === 0,
    strict,
    untilClose: false,
    read(bytes, take) {
      const size = Math.min(left, bytes.length);
      if (size > 0) take(bytes.subarray(0, size));
      left -= size;
      reader.over = left === 0;
      return size;
    },
  };
  return reader;
}

function closeReader(): BodyReader {
  return {
    over: false,
    strict: false,
    untilClose: true,
    read(bytes, take) {
      take(bytes);
      return bytes.length;
    },
  };
}

type ChunkState =
  'size' | 'size-lf' | 'extension' | 'data' | 'data-end' | 'data-lf' | 'trailer' | 'trailer-line' | 'end-lf';

/** Keeps a state and two numbers between reads, no bytes: chunks may be split anywhere. */
function chunkReader(strict: boolean): BodyReader {
  let state: ChunkState = 'size';
  let size = 0;
  let digits = 0;
  const reader: BodyReader = { over: false, strict, untilClose: false, read };

  function read(bytes: Buffer, take: (content: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length && !reader.over) {
      if (state === 'data') {
        const end = Math.min(bytes.length, at + size);
        take(bytes.subarray(at, end));
        size -= end - at;
        at = end;
        if (size === 0) state = 'data-end';
      } else if (state === 'extension' || state === 'trailer-line') {
        const end = bytes.indexOf(LF, at);
        if (end < 0) return bytes.length;
        at = end + 1;
        if (state === 'extension') sizeIsKnown();
        else state = 'trailer';
      } else {
        step(bytes[at]!);
        at += 1;
      }
    }
    return at;
  }

  function step(byte: number): void {
    if (state === 'size') return stepSize(byte);
    if (state === 'data-end' || state === 'trailer') {
      if (byte === CR) state = state === 'trailer' ? 'end-lf' : 'data-lf';
      else if (byte === LF) loose(lineEnds);
      else if (state === 'trailer') state = 'trailer-line';
      else throw new BadAnswerError('a chunk of its body is longer than it says');
      return;
    }
    if (byte !== LF) throw new BadAnswerError('a line of its chunked body ends in a lone carriage return');
    lineEnds();
  }

  function lineEnds(): void {
    if (state === 'size-lf') return sizeIsKnown();
    if (state === 'data-end' || state === 'data-lf') state = 'size';
    else reader.over = true;
  }

  function stepSize(byte: number): void {
    const digit = hex(byte);
    if (digit >= 0) {
      size = size * 16 + digit;
      digits += 1;
      if (digits > MAX_HEX_DIGITS) throw new BadAnswerError('a chunk of its body is impossibly large');
      return;
    }
    if (digits === 0) throw new BadAnswerError('a chunk of its body has no size');
    if (byte === CR) state = 'size-lf';
    else if (byte === LF) loose(sizeIsKnown);
    else if (byte === 32 || byte === 9 || byte === 59) loose(() => (state = 'extension'));
    else throw new BadAnswerError('the size of a chunk of its body is no number');
  }

  function sizeIsKnown(): void {
    state = size === 0 ? 'trailer' : 'data';
    digits = 0;
  }

  function loose(next: () => void): void {
    reader.strict = false;
    next();
  }

  return reader;
}

function hex(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
